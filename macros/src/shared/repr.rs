//! What the `repr` attributes of a type say, and which of that fixes a layout.

use proc_macro2::Ident;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

use crate::mistakes::Mistakes;

/// The types that the tag of an enum can have.
const TAGS: [&str; 12] = ["u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize"];

/// The words of all `repr` attributes, as `C` and `align`.
pub(super) struct Repr(Vec<Ident>);

impl Repr {
    pub(super) fn of(attributes: &[Attribute]) -> Self {
        Self(attributes.iter().flat_map(|attribute| words(&attribute.meta)).collect())
    }

    /// Whether anything is said of the layout, be it that it is not fixed; `align` alone says nothing.
    pub(super) fn is_given(&self) -> bool {
        self.0.iter().any(says_layout)
    }

    fn find(&self, name: &str) -> Option<&Ident> {
        self.0.iter().find(|word| *word == name)
    }

    /// Checks what there is at a struct.
    pub(super) fn check_struct(&self, name: &Ident, mistakes: &mut Mistakes) {
        if let Some(packed) = self.find("packed") {
            mistakes.add(packed, format!("struct `{name}` cannot be packed, because there are no references to the fields of such a struct: write `#[repr(C)]`, with the largest fields first if there is to be no padding"));
        } else if let Some(rust) = self.find("Rust") {
            mistakes.add(rust, format!("`Rust` does not fix the layout of struct `{name}`: write `#[repr(C)]`"));
        } else if self.find("C").or(self.find("transparent")).is_none() {
            mistakes.add(name, format!("the layout of struct `{name}` is not fixed: add `#[repr(C)]`, or write `#[carom::shared]`, which does so, in place of the derive"));
        }
    }

    /// The type of an enum's tag.
    pub(super) fn check_enum(&self, name: &Ident, mistakes: &mut Mistakes) -> Option<Ident> {
        let tag = self.0.iter().find(|word| is_tag(word));
        match (tag, self.find("C").or(self.find("transparent")).or(self.find("Rust"))) {
            (Some(tag), None) => return Some(tag.clone()),
            (Some(tag), Some(other)) => {
                mistakes.add(
                    other,
                    format!("enum `{name}` cannot have its fields in a union of their own: write `#[repr({tag})]`"),
                );
            }
            (None, Some(other)) => {
                mistakes.add(
                    other,
                    format!("`{other}` does not say how large the tag of enum `{name}` is: write `#[repr(u8)]`"),
                );
            }
            (None, None) => {
                mistakes.add(name, format!("the layout of enum `{name}` is not fixed: add `#[repr(u8)]`, or write `#[carom::shared]`, which does so, in place of the derive"));
            }
        }
        None
    }
}

/// Whether a part of a `cfg_attr` says something of the layout.
pub(super) fn is_layout(meta: &Meta) -> bool {
    words(meta).iter().any(says_layout)
}

fn says_layout(word: &Ident) -> bool {
    is_tag(word) || ["C", "transparent", "packed", "Rust"].iter().any(|name| word == name)
}

fn is_tag(word: &Ident) -> bool {
    TAGS.iter().any(|name| word == name)
}

/// What stands in a `repr(…)`; rustc says it if that is not what can stand there.
fn words(meta: &Meta) -> Vec<Ident> {
    let Meta::List(list) = meta else { return Vec::new() };
    if !list.path.is_ident("repr") {
        return Vec::new();
    }
    let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).unwrap_or_default();
    parts.iter().filter_map(|part| part.path().get_ident().cloned()).collect()
}
