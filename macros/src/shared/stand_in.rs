//! What stands for the implementation of a type with mistakes, so that nothing else fails for want of it.
//!
//! ```text
//! unsafe impl Shared for Point {
//!     type Form = compile_error!("…");     // of which rustc knows that it is wrong, and says nothing more
//!     …
//! }
//! ```

use proc_macro2::TokenStream;
use quote::quote;
use syn::fold::Fold;
use syn::{GenericArgument, GenericParam, Generics, Ident, Item, Lifetime, parse_quote};

use super::check::Fault;

pub(super) fn stand_in(item: &Item, fault: Fault) -> TokenStream {
    let messages = fault.error.into_iter().flatten().map(|error| error.to_compile_error());
    let mut messages: Vec<_> = messages.collect();
    let (name, generics) = match item {
        Item::Struct(item) => (&item.ident, &item.generics),
        Item::Enum(item) => (&item.ident, &item.generics),
        Item::Union(item) => (&item.ident, &item.generics),
        _ => return messages.into_iter().collect(),
    };
    if fault.is_absent {
        return messages.into_iter().collect();
    }
    let form = messages.pop().unwrap_or_else(|| quote!(::carom::__private_0_1::Form<true, true, false>));
    let (generics, arguments) = without_lifetimes(generics);
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    quote! {
        #(#messages)*
        const _: () = {
            #[automatically_derived]
            unsafe impl #impl_generics ::carom::Shared for #name #arguments #where_clause {
                const LAYOUT: ::carom::__private_0_1::Layout = ::carom::__private_0_1::Layout::new("", 0, 1);
                const PADDED: ::core::primitive::bool = true;
                const CHECKED: ::core::primitive::bool = true;
                const ATOMIC: ::core::primitive::bool = false;
                type Form = #form;
                fn is_valid(_: ::carom::__private_0_1::Candidate<'_>) -> ::core::primitive::bool {
                    false
                }
            }
        };
    }
}

/// Without lifetimes, for which `'static` stands among the arguments, because what is shared borrows nothing.
fn without_lifetimes(generics: &Generics) -> (Generics, TokenStream) {
    let arguments = generics.params.iter().map(|parameter| -> GenericArgument {
        match parameter {
            GenericParam::Lifetime(_) => parse_quote!('static),
            GenericParam::Type(parameter) => {
                let name = &parameter.ident;
                parse_quote!(#name)
            }
            GenericParam::Const(parameter) => {
                let name = &parameter.ident;
                parse_quote!(#name)
            }
        }
    });
    let arguments = quote!(<#(#arguments),*>);
    let declared = generics.lifetimes().map(|parameter| parameter.lifetime.ident.clone()).collect();
    let mut others = Static(declared).fold_generics(generics.clone());
    let of_types = others.params.into_iter().filter(|parameter| !matches!(parameter, GenericParam::Lifetime(_)));
    others.params = of_types.collect();
    others.type_params_mut().for_each(|parameter| parameter.bounds.push(parse_quote!('static)));
    (others, arguments)
}

/// Puts `'static` in place of these lifetimes, which bounds may name.
struct Static(Vec<Ident>);

impl Fold for Static {
    fn fold_lifetime(&mut self, lifetime: Lifetime) -> Lifetime {
        if self.0.contains(&lifetime.ident) { Lifetime::new("'static", lifetime.span()) } else { lifetime }
    }
}
