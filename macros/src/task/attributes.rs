//! Where the attributes of the function go, once the task is a struct with the function inside.

use quote::quote;
use syn::punctuated::Punctuated;
use syn::{AttrStyle, Attribute, Meta, Token, parse_quote};

use crate::mistakes::Mistakes;

/// The user's attributes, sorted.
#[derive(Default)]
pub(super) struct Attributes {
    /// Documentation, `cfg`, deprecation and lint levels: for what bears the name.
    pub(super) of_struct: Vec<Attribute>,
    /// Lint levels, code generation and other macros: for what runs.
    pub(super) of_function: Vec<Attribute>,
}

enum Place {
    Struct,
    Function,
    Both,
}

impl Attributes {
    pub(super) fn check(attributes: Vec<Attribute>, mistakes: &mut Mistakes) -> Self {
        let mut sorted = Self::default();
        for mut attribute in attributes {
            // one from inside the body means the same outside
            attribute.style = AttrStyle::Outer;
            if attribute.path().is_ident("cfg_attr") {
                sorted.split_conditional(&attribute, mistakes);
                continue;
            }
            sorted.put(place(&attribute.meta, mistakes), attribute);
        }
        sorted
    }

    /// `cfg_attr(CONDITION, A, B)` becomes one for each of `A` and `B`, each in its own place.
    fn split_conditional(&mut self, attribute: &Attribute, mistakes: &mut Mistakes) {
        let parts = match attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated) {
            Ok(parts) => parts,
            Err(error) => return mistakes.push(error),
        };
        let mut parts = parts.iter();
        let condition = parts.next();
        for part in parts {
            self.put(place(part, mistakes), parse_quote!(#[cfg_attr(#condition, #part)]));
        }
    }

    fn put(&mut self, place: Place, attribute: Attribute) {
        match place {
            Place::Struct => self.of_struct.push(attribute),
            Place::Function => self.of_function.push(attribute),
            Place::Both => {
                self.of_struct.push(attribute.clone());
                self.of_function.push(attribute);
            }
        }
    }
}

fn place(meta: &Meta, mistakes: &mut Mistakes) -> Place {
    let path = meta.path();
    let is = |names: &[&str]| names.iter().any(|name| path.is_ident(name));
    if is(&["must_use"]) {
        let message = "`#[must_use]` has no effect on a task, which is called through a pointer; put it on the type that is returned";
        mistakes.add(quote!(#path), message);
    }
    if super::is_task(path) {
        mistakes.add(quote!(#path), "a task has one `#[task(…)]`; write all options into it");
    }
    if is(&["doc", "cfg", "deprecated"]) {
        Place::Struct
    } else if is(&["allow", "warn", "deny", "forbid"]) {
        Place::Both
    } else {
        Place::Function
    }
}
