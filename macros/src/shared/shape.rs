//! A type that is known to be sound, as far as a macro can know; only [`expand`](super::expand) turns it into tokens.

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::{Expr, Generics, Member, Type};

/// A checked type.
pub(super) struct Shape {
    pub(super) name: Ident,
    /// With the bounds that its fields need.
    pub(super) generics: Generics,
    pub(super) kind: Kind,
    /// Whether it or a field of it is deprecated.
    pub(super) is_deprecated: bool,
}

/// A struct with its fields, or an enum with the type of its tag.
pub(super) enum Kind {
    Struct(Vec<Field>),
    Enum { tag: Ident, variants: Vec<Variant> },
}

/// A field of a struct or of a variant.
pub(super) struct Field {
    pub(super) member: Member,
    pub(super) ty: Type,
}

/// A variant, and the number that is written to it.
pub(super) struct Variant {
    pub(super) name: Ident,
    pub(super) discriminant: Option<Expr>,
    pub(super) fields: Vec<Field>,
}

/// A name as the expansion writes it: at the user's place, but as part of a derive, which may name what is deprecated.
pub(super) fn in_derive(name: &Ident) -> Ident {
    let mut name = name.clone();
    name.set_span(Span::call_site().located_at(name.span()));
    name
}

impl Field {
    /// The field as `offset_of!` takes it.
    pub(super) fn member(&self) -> Member {
        match &self.member {
            Member::Named(name) => Member::Named(in_derive(name)),
            unnamed => unnamed.clone(),
        }
    }

    /// What it is called in messages and hashes.
    pub(super) fn name(&self) -> String {
        match &self.member {
            Member::Named(name) => name.unraw().to_string(),
            Member::Unnamed(index) => index.index.to_string(),
        }
    }
}
