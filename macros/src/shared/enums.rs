//! The parts of an expansion that are those of an enum: its tags, and the fields of each variant.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt;

use super::parts::{Array, Parts, field};
use super::shape::Variant;

pub(super) fn parts(tag: &Ident, variants: &[Variant]) -> Parts {
    // the user's module may have another type of that name
    let tag = Ident::new(&tag.to_string(), Span::call_site());
    let tag = quote!(::core::primitive::#tag);
    let (size, count) = (quote!(::core::mem::size_of::<#tag>()), variants.len());
    let tags = quote!(<Self as CaromShape>::CAROM_TAGS);
    let mut consts = vec![(quote!(const CAROM_TAGS: [#tag; #count]), values(&tag, variants))];
    let mut layout = Vec::new();
    let mut checks = Vec::new();
    for (i, Variant { name, fields, .. }) in variants.iter().enumerate() {
        let name = name.unraw().to_string();
        layout.push(quote! {
            carom_layout.field(#name, #tags[#i] as ::core::primitive::usize, <#tag as ::carom::Shared>::LAYOUT)
        });
        let array = Array { name: format_ident!("CAROM_FIELDS_{i}"), fields };
        if !fields.is_empty() {
            let items = fields.iter().map(|item| {
                let (field, text) = (field(item), format!("{name}.{}", item.name()));
                quote!(#field.at(#text, 0))
            });
            consts.push((array.declaration(), quote!(::carom::__private_0_1::behind_tag(#size, [#(#items),*]))));
            layout.push(array.layout());
        }
        let are_valid = array.are_valid();
        checks.push(quote!(if carom_tag == #tags[#i] { return #are_valid; }));
    }
    // variants differ in where their padding is
    let padded = if variants.iter().all(|variant| variant.fields.is_empty()) {
        quote!(::core::mem::size_of::<Self>() != #size)
    } else {
        quote!(true)
    };
    Parts {
        consts,
        flags: quote!(::carom::__private_0_1::Flags::of_enum(#padded)),
        layout,
        is_valid: quote! {
            let carom_tag = <#tag>::from_ne_bytes(carom_candidate.read::<{ #size }>());
            #(#checks)*
            false
        },
    }
}

/// The discriminants: one that is not written is the one before and one more.
fn values(tag: &TokenStream, variants: &[Variant]) -> TokenStream {
    let names: Vec<_> = (0..variants.len()).map(|i| format_ident!("carom_tag_{i}")).collect();
    let values = variants.iter().enumerate().map(|(i, variant)| match (&variant.discriminant, i.checked_sub(1)) {
        (Some(value), _) => quote!(#value),
        (None, None) => quote!(0),
        (None, Some(before)) => {
            let before = &names[before];
            // where there is none, rustc says so
            quote!(#before.wrapping_add(1))
        }
    });
    quote!({
        #(let #names: #tag = #values;)*
        [#(#names),*]
    })
}
