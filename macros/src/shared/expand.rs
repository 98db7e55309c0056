//! What the derive adds to a type. For `#[repr(u8)] enum Key { None, Char(char) }` it is, without the paths:
//!
//! ```text
//! const _: () = {
//!     trait CaromShape { … }                                   // to hold what follows, also of generic types
//!     impl CaromShape for Key {
//!         const CAROM_TAGS: [u8; 2] = …;
//!         const CAROM_FIELDS_1: [Field; 1] = behind_tag(1, [field::<char>().at("Char.0", 0)]);
//!         const CAROM_FLAGS: Flags = …;
//!     }
//!     unsafe impl Shared for Key {
//!         const LAYOUT: Layout = …;
//!         const PADDED: bool = Self::CAROM_FLAGS.padded;       // and so on
//!         type Form = Form<{ Key::CAROM_FLAGS.padded }, …>;    // for a generic type `Form<true, true, false>`
//!         fn is_valid(candidate: Candidate<'_>) -> bool {
//!             let tag = u8::from_ne_bytes(candidate.read::<1>());
//!             if tag == Self::CAROM_TAGS[0] { return true; }
//!             if tag == Self::CAROM_TAGS[1] { return Self::CAROM_FIELDS_1[0].is_valid(candidate); }
//!             false
//!         }
//!     }
//!     const _: () = refuse_drop::<Key>("…");                   // of a generic type in `LAYOUT`
//! };
//! ```
//!
//! Each field's type is named once, in a call of `field` (or of what is worded for it in `advice`), so that a type that is
//! not fit is one error.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;

use super::parts::Parts;
use super::shape::{Kind, Shape, in_derive};
use super::{enums, structs};

pub(super) fn expand(shape: &Shape) -> TokenStream {
    let Shape { name, generics, kind, is_deprecated } = shape;
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let text = name.unraw().to_string();
    let Parts { consts, flags, layout, is_valid } = match kind {
        Kind::Struct(fields) => structs::parts(fields),
        Kind::Enum { tag, variants } => enums::parts(tag, variants),
    };
    let (declarations, values): (Vec<_>, Vec<_>) = consts.into_iter().unzip();
    let no_drop = no_drop(shape);
    let name = &in_derive(name);
    // `offset_of!` is a macro of its own, in which rustc does not see the derive
    let allowance = is_deprecated.then(|| quote!(#[allow(deprecated)]));
    // a generic type is asked when it is used first
    let (flags, form, at_once, at_use) = if generics.params.is_empty() {
        let flag = |flag: Ident| quote!({ <#name as CaromShape>::CAROM_FLAGS.#flag });
        let form = ["padded", "checked", "atomic"].map(|name| flag(format_ident!("{name}")));
        // after the fields: one that is not fit is dropped as well
        let at_once = quote! {
            const _: () = {
                let _ = <#name as CaromShape>::CAROM_FLAGS;
                #no_drop
            };
        };
        (flags, quote!(#(#form),*), Some(at_once), None)
    } else {
        (quote!(::carom::__private_0_1::Flags::GENERIC), quote!(true, true, false), None, Some(no_drop))
    };
    quote! {
        const _: () = {
            trait CaromShape {
                #(#declarations;)*
                const CAROM_FLAGS: ::carom::__private_0_1::Flags;
            }
            #allowance
            #[automatically_derived]
            impl #impl_generics CaromShape for #name #type_generics #where_clause {
                #(#declarations = #values;)*
                const CAROM_FLAGS: ::carom::__private_0_1::Flags = #flags;
            }
            #[automatically_derived]
            unsafe impl #impl_generics ::carom::Shared for #name #type_generics #where_clause {
                const LAYOUT: ::carom::__private_0_1::Layout = {
                    let carom_layout = ::carom::__private_0_1::Layout::new(
                        #text,
                        ::core::mem::size_of::<Self>(),
                        ::core::mem::align_of::<Self>(),
                    );
                    #(let carom_layout = #layout;)*
                    #at_use
                    carom_layout
                };
                const PADDED: ::core::primitive::bool = <Self as CaromShape>::CAROM_FLAGS.padded;
                const CHECKED: ::core::primitive::bool = <Self as CaromShape>::CAROM_FLAGS.checked;
                const ATOMIC: ::core::primitive::bool = <Self as CaromShape>::CAROM_FLAGS.atomic;
                type Form = ::carom::__private_0_1::Form<#form>;
                #[inline]
                fn is_valid(
                    carom_candidate: ::carom::__private_0_1::Candidate<'_>,
                ) -> ::core::primitive::bool {
                    #is_valid
                }
            }
            #at_once
        };
    }
}

/// Refuses a type with something to drop.
fn no_drop(Shape { name, generics, .. }: &Shape) -> TokenStream {
    let message = format!(
        "`{}` implements `Drop`, but of the processes that share a value none knows that it is the last: write a method, and let one process call it",
        name.unraw()
    );
    let own = in_derive(name);
    let ty = if generics.params.is_empty() { quote!(#own) } else { quote!(Self) };
    quote_spanned!(name.span()=> ::carom::__private_0_1::refuse_drop::<#ty>(#message);)
}
