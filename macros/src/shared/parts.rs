//! What an expansion is put together of, and what structs and enums have in common.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::shape::Field;
use super::types;

/// What differs between structs and enums.
pub(super) struct Parts {
    /// Declarations, as `const NAME: TYPE`, and values.
    pub(super) consts: Vec<(TokenStream, TokenStream)>,
    /// The flags, unless the type is generic.
    pub(super) flags: TokenStream,
    /// What becomes of `carom_layout`, step by step.
    pub(super) layout: Vec<TokenStream>,
    /// What is found out about `carom_candidate`.
    pub(super) is_valid: TokenStream,
}

/// Some fields, in one array.
pub(super) struct Array<'a> {
    pub(super) name: Ident,
    pub(super) fields: &'a [Field],
}

impl Array<'_> {
    pub(super) fn declaration(&self) -> TokenStream {
        let (name, count) = (&self.name, self.fields.len());
        quote!(const #name: [::carom::__private_0_1::Field; #count])
    }

    /// The layout, with these.
    pub(super) fn layout(&self) -> TokenStream {
        let name = &self.name;
        quote!(::carom::__private_0_1::with_fields(carom_layout, &<Self as CaromShape>::#name))
    }

    /// Whether all of them are values.
    pub(super) fn are_valid(&self) -> TokenStream {
        let name = &self.name;
        let each = (0..self.fields.len()).map(|i| quote!(<Self as CaromShape>::#name[#i].is_valid(carom_candidate)));
        if self.fields.is_empty() { quote!(true) } else { quote!(#(#each)&&*) }
    }
}

/// What a field's type says of itself; the type is where rustc reports that it is not fit.
pub(super) fn field(field: &Field) -> TokenStream {
    let ty = &field.ty;
    match types::advice(ty).map(|advice| format_ident!("{advice}")) {
        Some(advice) => quote!(<#ty as ::carom::__private_0_1::advice::#advice>::FIELD),
        None => quote!(::carom::__private_0_1::field::<#ty>()),
    }
}
