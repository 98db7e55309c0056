//! `#[shared]`: adds what fixes the layout, unless that is there, and `#[derive(Shared)]`, which does the rest.
//!
//! The derive comes last, so that it sees what other attributes make of the type. rustc hands an attribute fields with
//! their `cfg`, but a derive only those that are there.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, Item, ItemEnum, ItemStruct, ItemUnion, Path, Token, parse_quote};

use super::{is_own, layout};
use crate::mistakes::{Mistakes, report};

/// `#[carom::shared] ITEM`.
pub(crate) fn attribute(options: TokenStream, item: TokenStream) -> TokenStream {
    let Ok(mut written) = syn::parse2::<Item>(item.clone()) else {
        let first = item.clone().into_iter().next();
        return report(item, &Error::new_spanned(first, FORM));
    };
    let mut mistakes = Mistakes::default();
    let added = layout::added(&written, &mut mistakes);
    let attributes = match &mut written {
        Item::Struct(ItemStruct { attrs, .. })
        | Item::Enum(ItemEnum { attrs, .. })
        | Item::Union(ItemUnion { attrs, .. }) => attrs,
        other => {
            let error = refusal(other);
            return report(item, &error);
        }
    };
    if !options.is_empty() {
        mistakes.add(options, "`#[shared]` takes no options; a layout is chosen by a `#[repr(…)]` below it");
    }
    let derived = check_twice(attributes, &mut mistakes);
    attributes.extend(added);
    if !derived {
        attributes.push(parse_quote!(#[::core::prelude::v1::derive(::carom::Shared)]));
    }
    match mistakes.into_result(|| ()) {
        Ok(()) => written.into_token_stream(),
        Err(error) => report(written, &error),
    }
}

const FORM: &str = "only a struct or an enum can be shared: `#[carom::shared] struct Name { field: Type }`";

/// What is said of an item that is not a type, at the word that says so.
fn refusal(item: &Item) -> Error {
    match item {
        Item::Impl(item) => Error::new_spanned(
            item.impl_token,
            "an `impl` cannot be shared: only structs and enums can in this version, which has no managers",
        ),
        Item::Fn(item) => Error::new_spanned(
            &item.sig.ident,
            format!(
                "only a struct or an enum can be shared; a function that other processes run is a task: `#[carom::task] fn {}`",
                item.sig.ident
            ),
        ),
        Item::Static(item) => Error::new_spanned(
            &item.ident,
            format!("only a struct or an enum can be shared; each process has a static `{}` of its own", item.ident),
        ),
        Item::Trait(item) => Error::new_spanned(&item.ident, FORM),
        Item::Mod(item) => Error::new_spanned(&item.ident, FORM),
        Item::Type(item) => Error::new_spanned(
            &item.ident,
            format!(
                "only a struct or an enum can be shared; put `#[carom::shared]` on the type that `{}` stands for",
                item.ident
            ),
        ),
        Item::Const(item) => Error::new_spanned(&item.ident, FORM),
        other => Error::new_spanned(other.to_token_stream().into_iter().next(), FORM),
    }
}

/// Reports and removes a second `#[shared]`, and reports the derive; true if the derive is there.
fn check_twice(attributes: &mut Vec<Attribute>, mistakes: &mut Mistakes) -> bool {
    let mut derived = false;
    attributes.retain(|attribute| {
        if is_own(attribute.path(), "shared") {
            mistakes.add(attribute, "a type has one `#[shared]`; remove this one");
            return false;
        }
        if attribute.path().is_ident("derive") {
            let derives = attribute.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated);
            for path in derives.unwrap_or_default().iter().filter(|path| is_own(path, "Shared")) {
                derived = true;
                mistakes.add(path, "`#[shared]` contains this derive; remove one of them");
            }
        }
        true
    });
    derived
}
