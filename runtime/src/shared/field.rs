//! What an implementation of [`Shared`] says of a type's fields, so that each field's type is named once: then one that
//! is not fit is one error.

use super::{Candidate, Layout, Shared};

/// A field: where it lies, and what its type says of itself.
#[derive(Clone, Copy)]
pub struct Field {
    name: &'static str,
    offset: usize,
    size: usize,
    align: usize,
    layout: Layout,
    padded: bool,
    checked: bool,
    atomic: bool,
    is_valid: fn(Candidate<'_>) -> bool,
}

/// A field of this type, without a name and a place as yet.
pub const fn field<T: Shared>() -> Field {
    Field {
        name: "",
        offset: 0,
        size: size_of::<T>(),
        align: align_of::<T>(),
        layout: T::LAYOUT,
        padded: T::PADDED,
        checked: T::CHECKED,
        atomic: T::ATOMIC,
        is_valid: T::is_valid,
    }
}

impl Field {
    /// The field under this name, in this place.
    pub const fn at(self, name: &'static str, offset: usize) -> Self {
        Self { name, offset, ..self }
    }

    /// Whether what the candidate has for this field is a value of its type.
    #[inline]
    pub fn is_valid(&self, candidate: Candidate<'_>) -> bool {
        !self.checked || (self.is_valid)(candidate.within(self.offset, self.size))
    }
}

/// Puts the fields of a variant in their places.
///
/// An enum with a primitive representation is a union of `repr(C)` structs, whose first field is the tag. In such a struct
/// each field begins at the first multiple of its alignment that comes after the last one's end.
pub const fn behind_tag<const N: usize>(tag: usize, mut fields: [Field; N]) -> [Field; N] {
    let mut end = tag;
    let mut i = 0;
    while i < N {
        fields[i].offset = end.next_multiple_of(fields[i].align);
        end = fields[i].offset + fields[i].size;
        i += 1;
    }
    fields
}

/// The layout, with these fields.
pub const fn with_fields(mut layout: Layout, fields: &[Field]) -> Layout {
    let mut i = 0;
    while i < fields.len() {
        layout = layout.field(fields[i].name, fields[i].offset, fields[i].layout);
        i += 1;
    }
    layout
}

/// The flags of a type; see [`Shared`].
#[derive(Clone, Copy)]
pub struct Flags {
    /// `Shared::PADDED`
    pub padded: bool,
    /// `Shared::CHECKED`
    pub checked: bool,
    /// `Shared::ATOMIC`
    pub atomic: bool,
}

impl Flags {
    /// What is said of types that are not known to the end.
    pub const GENERIC: Self = Self { padded: true, checked: true, atomic: false };

    /// The flags of a struct of this size.
    pub const fn of_struct(size: usize, fields: &[Field]) -> Self {
        let mut flags = Self { padded: false, checked: false, atomic: true };
        let mut used = 0;
        let mut i = 0;
        while i < fields.len() {
            used += fields[i].size;
            flags.padded |= fields[i].padded;
            flags.checked |= fields[i].checked;
            flags.atomic &= fields[i].atomic;
            i += 1;
        }
        flags.padded |= used != size;
        flags
    }

    /// The flags of an enum, of whose tags not every number is one.
    pub const fn of_enum(padded: bool) -> Self {
        Self { padded, checked: true, atomic: false }
    }
}

/// Refuses types with something to drop, which no process could tell to be the last to use it.
#[track_caller]
pub const fn refuse_drop<T>(message: &'static str) {
    assert!(!std::mem::needs_drop::<T>(), "{}", message);
}
