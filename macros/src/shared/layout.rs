//! The layout that `#[shared]` adds to a type that has none: `C` to a struct, and to an enum a tag that is a `u8`, which is
//! to suffice for the numbers that are written.

use quote::quote;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, ExprUnary, Item, ItemEnum, Lit, Meta, Token, UnOp, Variant, parse_quote};

use super::repr::{self, Repr};
use crate::mistakes::Mistakes;

/// The `repr` that is added.
pub(super) fn added(item: &Item, mistakes: &mut Mistakes) -> Option<Attribute> {
    let (attributes, layout) = match item {
        Item::Struct(item) => (&item.attrs, quote!(C)),
        // an enum without variants, which is refused, can have no layout
        Item::Enum(item) if !item.variants.is_empty() => (&item.attrs, quote!(u8)),
        _ => return None,
    };
    if Repr::of(attributes).is_given() {
        return None;
    }
    let conditions = conditions(attributes);
    Some(match item {
        _ if !conditions.is_empty() => parse_quote!(#[cfg_attr(not(any(#(#conditions),*)), repr(#layout))]),
        Item::Enum(item) if !suffices(item, mistakes) => parse_quote!(#[repr(i128)]), // with which rustc finds no fault
        _ => parse_quote!(#[repr(#layout)]),
    })
}

/// The conditions under which a `cfg_attr` says something of the layout.
fn conditions(attributes: &[Attribute]) -> Vec<Meta> {
    let mut conditions = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("cfg_attr")) {
        let parts = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).unwrap_or_default();
        if parts.iter().skip(1).any(repr::is_layout) {
            conditions.extend(parts.into_iter().next());
        }
    }
    conditions
}

/// What to write where a `u8` does not suffice; the first that does is advised.
const LARGER: [(&str, i128, i128); 7] = [
    ("u16", 0, u16::MAX as i128),
    ("u32", 0, u32::MAX as i128),
    ("u64", 0, u64::MAX as i128),
    ("i8", i8::MIN as i128, i8::MAX as i128),
    ("i16", i16::MIN as i128, i16::MAX as i128),
    ("i32", i32::MIN as i128, i32::MAX as i128),
    ("i64", i64::MIN as i128, i64::MAX as i128),
];

/// Whether all numbers of the variants fit a `u8`, as far as they are known; reports the first that does not.
fn suffices(item: &ItemEnum, mistakes: &mut Mistakes) -> bool {
    let numbers = numbers(item);
    let Some((_, first)) = numbers.iter().find(|(number, _)| u8::try_from(*number).is_err()) else { return true };
    let fits = |least, most| numbers.iter().all(|(number, _)| (least..=most).contains(number));
    let larger = LARGER.iter().find(|(_, least, most)| fits(*least, *most));
    let (name, tag) = (&item.ident, larger.map_or("i128", |(tag, ..)| tag));
    let message = format!("the tag of enum `{name}` is a `u8` unless another type is written: add `#[repr({tag})]`");
    match &first.discriminant {
        Some((_, value)) => mistakes.add(value, message),
        None => mistakes.add(&first.ident, message),
    }
    false
}

/// The numbers of the variants, written or implied, that the tokens tell.
fn numbers(item: &ItemEnum) -> Vec<(i128, &Variant)> {
    let mut next = Some(0);
    let mut numbers = Vec::new();
    for variant in &item.variants {
        let own = match &variant.discriminant {
            Some((_, value)) => number(value),
            None => next,
        };
        // one under a `cfg` may not be there
        let is_certain = !variant.attrs.iter().any(|attribute| attribute.path().is_ident("cfg"));
        let own = own.filter(|_| is_certain);
        next = own.and_then(|own| own.checked_add(1));
        numbers.extend(own.map(|own| (own, variant)));
    }
    numbers
}

/// The number that an expression is, as far as its tokens tell.
fn number(value: &Expr) -> Option<i128> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().ok(),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => number(expr).map(|number| -number),
        _ => None,
    }
}
