//! What stands for a task with mistakes, so that nothing else fails for want of it: a type and a value of its
//! name, of which rustc knows that something is wrong and says nothing more.
//!
//! ```text
//! const _: () = { fn square(x: &u64) -> u64 { x * x } };     // what the user wrote
//! type square = [(); compile_error!("…")];
//! const square: square = [];
//! ```

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::visit::{self, Visit};
use syn::{Error, FnArg, Ident, ItemFn, Path, Receiver, TypeInfer};

use super::types;

/// The stand-in for `function`; `shown` is what rustc is to see of it.
pub(crate) fn stand_in(function: &ItemFn, shown: TokenStream, error: &Error) -> TokenStream {
    let ItemFn { attrs, vis, sig, .. } = function;
    let conditions = attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    let mut messages: Vec<_> = error.clone().into_iter().map(|error| error.to_compile_error()).collect();
    let last = messages.pop();
    let name = &sig.ident;
    let keyword = Ident::new("struct", name.span());
    let semicolon = quote_spanned!(name.span()=> ;);
    quote! {
        #(#conditions)*
        #[::carom::__private_0_1::instead {
            #(#messages)*
            const _: () = { #shown };
            #[allow(non_camel_case_types)]
            #vis type #name = [(); #last];
            #[allow(non_upper_case_globals)]
            #vis const #name: #name = [];
        }]
        #vis #keyword #name #semicolon
    }
}

/// The function, if rustc finds no fault of its own with the signature.
pub(super) fn presentable(mut function: ItemFn) -> TokenStream {
    let mut faults = Faults { is_method: false, is_open: function.sig.variadic.is_some() };
    faults.visit_signature(&function.sig);
    for input in &mut function.sig.inputs {
        let FnArg::Typed(typed) = input else { continue };
        faults.is_open |= types::unsized_form(&typed.ty).is_some();
        typed.attrs.retain(|attribute| attribute.path().is_ident("cfg") || types::is_lint_level(attribute));
    }
    if faults.is_open { TokenStream::new() } else { function.into_token_stream() }
}

/// Whether the function can stand in an `impl` only, where there is no place for a stand-in.
pub(super) fn is_method(function: &ItemFn) -> bool {
    let mut faults = Faults { is_method: false, is_open: false };
    faults.visit_signature(&function.sig);
    faults.is_method
}

struct Faults {
    is_method: bool,
    is_open: bool,
}

impl<'ast> Visit<'ast> for Faults {
    fn visit_receiver(&mut self, _: &'ast Receiver) {
        self.is_method = true;
    }

    fn visit_path(&mut self, path: &'ast Path) {
        self.is_method |= path.segments.first().is_some_and(|first| first.ident == "Self");
        visit::visit_path(self, path);
    }

    fn visit_type_infer(&mut self, _: &'ast TypeInfer) {
        self.is_open = true;
    }
}
