//! `#[shared]` and `#[derive(Shared)]`: types that can lie in memory that processes share.
//!
//! [`attribute`](mod@attribute) adds a fixed [`layout`] and the derive, which sees the type without the fields that a `cfg`
//! removes. There [`repr`], [`generics`] and [`types`] are [`check`]ed into a [`shape`], and [`expand`]ed.

mod attribute;
mod check;
mod enums;
mod expand;
mod generics;
mod layout;
mod parts;
mod repr;
mod shape;
mod stand_in;
mod structs;
mod types;

use proc_macro2::TokenStream;
use syn::{Item, Path};

pub(crate) use attribute::attribute;

/// `#[derive(Shared)] ITEM`, of which the implementation is returned.
pub(crate) fn derive(item: TokenStream) -> TokenStream {
    let item = match syn::parse2::<Item>(item) {
        Ok(item) => item,
        Err(error) => return error.to_compile_error(),
    };
    match check::check(&item) {
        Ok(shape) => expand::expand(&shape),
        Err(fault) => stand_in::stand_in(&item, fault),
    }
}

/// Whether a path is `name` or `carom::name`.
fn is_own(path: &Path, name: &str) -> bool {
    let mut names = path.segments.iter().rev().map(|segment| &segment.ident);
    names.next().is_some_and(|last| last == name) && names.all(|name| name == "carom")
}

#[cfg(test)]
mod tests {
    use super::{attribute, derive};
    use proc_macro2::TokenStream;
    use quote::quote;

    fn shape() -> TokenStream {
        quote! {
            #[repr(u8)]
            enum Shape<T> { Dot(Point), Circle { centre: Point, radius: f32 } = 4, Other([T; 2]) }
        }
    }

    #[test]
    fn expanding_twice_gives_the_same_tokens() {
        assert_eq!(derive(shape()).to_string(), derive(shape()).to_string());
    }

    #[test]
    fn the_type_of_a_field_is_named_once() {
        let tokens = derive(shape()).to_string();
        assert_eq!((tokens.matches("Point").count(), tokens.matches("f32").count()), (2, 1), "{tokens}");
    }

    #[test]
    fn a_type_with_mistakes_is_still_emitted_and_has_an_implementation() {
        let item = quote!(
            struct Name<'a>(&'a str, (u8, u8));
        );
        let emitted = attribute(quote!(fast), item.clone()).to_string();
        assert!(emitted.contains(&item.to_string()), "{emitted}");
        assert_eq!(emitted.matches("compile_error").count(), 1, "{emitted}");
        let derived = derive(quote!(#[repr(C)] #item)).to_string();
        assert_eq!(derived.matches("compile_error").count(), 2, "{derived}");
        assert!(derived.contains("Shared for Name < 'static >"), "{derived}");
    }

    #[test]
    fn a_layout_is_added_where_there_is_none() {
        let added = |item: TokenStream| attribute(TokenStream::new(), item).to_string();
        assert!(
            added(quote!(
                struct Name(u8);
            ))
            .contains("repr (C)")
        );
        assert!(
            added(quote!(
                enum Name {
                    One,
                }
            ))
            .contains("repr (u8)")
        );
        assert!(
            !added(quote!(
                #[repr(i16, align(8))]
                enum Name {
                    One,
                }
            ))
            .contains("u8")
        );
        let conditional = added(quote!(
            #[cfg_attr(unix, repr(transparent))]
            struct Name(u8);
        ));
        assert!(conditional.contains("cfg_attr (not (any (unix)) , repr (C))"), "{conditional}");
    }
}
