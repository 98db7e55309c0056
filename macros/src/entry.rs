//! `#[main]` and `#[test]`: one call before the first line of the function, which in a child process
//! runs the task that the child was started for and does not return.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{AttrStyle, Attribute, Error, Ident, ItemFn};

use crate::mistakes::{Mistakes, report};

/// `#[carom::main] fn main() { … }`.
pub(crate) fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    expand("main", options, item, |function| {
        let ItemFn { vis, sig, block, .. } = function;
        let attrs = outer(&function.attrs);
        let statements = &block.stmts;
        // out of the user's reach: dropping it waits for the children
        let children = Ident::new("_carom_children", Span::mixed_site());
        quote! {
            #(#attrs)*
            #vis #sig {
                let #children = ::carom::__private_0_1::enter_main();
                #(#statements)*
            }
        }
    })
}

/// `#[carom::test] fn name() { … }`.
pub(crate) fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    expand("test", options, item, |function| {
        let ItemFn { vis, sig, block, .. } = function;
        let attrs = outer(&function.attrs);
        let statements = &block.stmts;
        let name = sig.ident.to_string();
        let name = name.strip_prefix("r#").unwrap_or(&name);
        let path = quote!(::core::concat!(::core::module_path!(), "::", #name));
        quote! {
            #[::core::prelude::v1::test]
            #(#attrs)*
            #vis #sig {
                ::carom::__private_0_1::inventory::submit! { ::carom::__private_0_1::RegisteredTest(#path) }
                ::carom::__private_0_1::enter_test(#path);
                #(#statements)*
            }
        }
    })
}

fn expand(
    kind: &str,
    options: TokenStream,
    item: TokenStream,
    expansion: impl FnOnce(&ItemFn) -> TokenStream,
) -> TokenStream {
    let Ok(function) = syn::parse2::<ItemFn>(item.clone()) else {
        let first = item.clone().into_iter().next();
        let message = format!("`#[carom::{kind}]` belongs on a function: `#[carom::{kind}] fn name() {{ … }}`");
        return report(item, &Error::new_spanned(first, message));
    };
    match check(kind, options, &function) {
        Ok(()) => expansion(&function),
        // rustc would find fault with the same `main` as well; it is given another
        Err(error) if function.sig.ident == "main" => report(quote!(const _: () = { #item }; fn main() {}), &error),
        Err(error) => report(item, &error),
    }
}

/// The attributes of a function, and those inside its body, as they stand before it.
fn outer(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes.iter().map(|attribute| Attribute { style: AttrStyle::Outer, ..attribute.clone() }).collect()
}

fn check(kind: &str, options: TokenStream, function: &ItemFn) -> Result<(), Error> {
    let mut mistakes = Mistakes::default();
    let sig = &function.sig;
    if !options.is_empty() {
        mistakes.add(options, format!("`#[carom::{kind}]` takes no options"));
    }
    if let Some(token) = &sig.asyncness {
        let message =
            format!("`#[carom::{kind}]` starts no async runtime; write `fn {}` and start one inside", sig.ident);
        mistakes.add(token, message);
    }
    if !sig.inputs.is_empty() {
        mistakes.add(&sig.inputs, format!("a function under `#[carom::{kind}]` has no arguments"));
    }
    if !sig.generics.params.is_empty() {
        mistakes.add(&sig.generics.params, format!("a function under `#[carom::{kind}]` cannot be generic"));
    }
    for attribute in &function.attrs {
        if kind == "test" && attribute.path().is_ident("test") {
            mistakes.add(attribute, "`#[carom::test]` is a test by itself; remove `#[test]`");
        }
    }
    mistakes.into_result(|| ())
}
