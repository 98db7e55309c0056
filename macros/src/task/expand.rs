//! What a task becomes. `#[task] pub fn square(x: u64) -> u64 { x * x }` is, without the paths:
//!
//! ```text
//! pub struct square;                                   // a value, so that it can be an argument
//! impl square { fn call(x: u64) -> u64 { x * x } }     // what the user wrote
//! impl Deref for square { type Target = fn(u64) -> u64; … }   // `square(3)` derefs its callee
//! impl Task for square { type Input = u64; type Output = u64; … }
//! submit! { TaskInfo::of::<square>(…) }                // found by name in another process
//! ```
//!
//! All of it hangs on the struct by the attribute `with`. Each type is asked once whether it can
//! travel, at the user's token, so that one bad type is one error.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, Type};

use super::signature::{Argument, Halves, Output};
use super::{Options, Task};

pub(super) fn expand(task: &Task) -> TokenStream {
    let Task { visibility, name, attributes, signature, .. } = task;
    let of_struct = &attributes.of_struct;
    let text = format!("```text\n{}\n```", signature.text);
    let rest = rest(task);
    // `struct` bears the span of the name: in an `impl`, where it may not stand, rustc points there
    let keyword = Ident::new("struct", name.span());
    let semicolon = quote_spanned!(name.span()=> ;);
    quote! {
        #(#of_struct)*
        #[doc = ""]
        #[doc = #text]
        #[allow(non_camel_case_types)]
        #[::carom::__private_0_1::with { #rest }]
        #visibility #keyword #name #semicolon
    }
}

fn rest(task: &Task) -> TokenStream {
    let Task { name, attributes, signature, body, .. } = task;
    let of_function = &attributes.of_function;
    let arguments = &signature.arguments;
    let types: Vec<_> = arguments.iter().map(|argument| &argument.ty).collect();
    // local to the expansion: the user's own names could be those of tasks or constants
    let values: Vec<_> = (0..types.len()).map(|i| local(&format!("value_{i}"))).collect();
    let (reader, writer, output_value) = (local("reader"), local("writer"), local("output"));
    let output = output_type(&signature.output);
    let returns = match &signature.output {
        Output::Unit => None,
        _ => Some(quote!(-> #output)),
    };
    let pointer = quote!(fn(#(#types),*) #returns);
    let (input, pattern) = match (&*types, &*values) {
        ([ty], [value]) => (quote!(#ty), quote!(#value)),
        _ => (quote!((#(#types),*)), quote!((#(#values),*))),
    };
    let proofs = arguments.iter().enumerate().map(|(i, argument)| proof(i, &argument.ty));
    let proof_names: Vec<_> = (0..arguments.len()).map(proof_name).collect();
    let output_proofs = output_proofs(&signature.output);
    let info = info(task);
    quote! {
        const _: () = {
            impl #name {
                #(#of_function)*
                fn call(#(#arguments),*) #returns #body
                #(#proofs)*
                #output_proofs
            }
            impl ::core::ops::Deref for #name {
                type Target = #pointer;
                fn deref(&self) -> &Self::Target {
                    const CALL: #pointer = #name::call;
                    &CALL
                }
            }
            impl ::core::clone::Clone for #name {
                fn clone(&self) -> Self { *self }
            }
            impl ::core::marker::Copy for #name {}
            impl ::core::fmt::Debug for #name {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    ::core::fmt::Formatter::write_str(f, <Self as ::carom::Task>::INFO.name())
                }
            }
            impl ::carom::Task for #name {
                type Input = #input;
                type Output = #output;
                const INFO: &'static ::carom::task::TaskInfo = &#info;
                #[allow(unused_variables, clippy::let_unit_value)]
                fn encode(#pattern: &Self::Input, #writer: &mut ::carom::__private_0_1::Writer)
                    -> ::core::result::Result<(), ::carom::EncodeError>
                {
                    #(#name::#proof_names.encode(#values, #writer)?;)*
                    ::core::result::Result::Ok(())
                }
            }
            impl #name {
                #[allow(unused_variables)]
                fn prepare(#reader: &mut ::carom::__private_0_1::Reader<'_>)
                    -> ::core::result::Result<::carom::__private_0_1::Prepared, ::carom::DecodeError>
                {
                    #(let #values = #name::#proof_names.decode(#reader)?;)*
                    ::core::result::Result::Ok(::std::boxed::Box::new(move || {
                        #[allow(unused_imports)]
                        use ::carom::__private_0_1::outcome::{
                            Chained as _, Debugged as _, Displayed as _, Opaque as _, Plain as _, Remote as _,
                        };
                        let #output_value = #name::call(#(#values),*);
                        (&&&&&&::carom::__private_0_1::outcome::Outcome(&#output_value)).failure()
                    }))
                }
            }
            ::carom::__private_0_1::inventory::submit! {
                ::carom::__private_0_1::Registered(<#name as ::carom::Task>::INFO)
            }
        };
    }
}

/// `TaskInfo` with the name, the place and the options.
fn info(task: &Task) -> TokenStream {
    let Task { name, options, .. } = task;
    let Options { name: given, timeout, soft_timeout, retries } = options;
    let registered = match given {
        Some(given) => quote!(#given),
        None => {
            let own = name.to_string();
            let own = own.strip_prefix("r#").unwrap_or(&own);
            quote!(::core::concat!(::core::module_path!(), "::", #own))
        }
    };
    let (timeout, soft_timeout) = (duration(*timeout), duration(*soft_timeout));
    quote! {
        ::carom::__private_0_1::task_info(
            #registered,
            (::core::file!(), ::core::line!(), ::core::column!()),
            (#timeout, #soft_timeout, #retries),
            #name::prepare,
        )
    }
}

fn duration(limit: Option<Duration>) -> TokenStream {
    match limit.map(|limit| (limit.as_secs(), limit.subsec_nanos())) {
        Some((secs, nanos)) => quote!(::core::option::Option::Some(::core::time::Duration::new(#secs, #nanos))),
        None => quote!(::core::option::Option::None),
    }
}

fn output_type(output: &Output) -> TokenStream {
    match output {
        Output::Unit => quote!(()),
        Output::Plain(ty) => quote!(#ty),
        Output::Result(halves) => halves.whole.to_token_stream(),
    }
}

fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// A name that no user would think of, and that says what it is in a message.
fn proof_name(position: usize) -> Ident {
    Ident::new(&format!("CAROM_ARGUMENT_{position}"), Span::call_site())
}

fn proof(position: usize, ty: &Type) -> TokenStream {
    let name = proof_name(position);
    let value = quote_spanned!(ty.span()=> ::carom::__private_0_1::argument::<#ty>());
    quote!(const #name: ::carom::__private_0_1::Travels<#ty> = #value;)
}

fn output_proofs(output: &Output) -> TokenStream {
    match output {
        Output::Unit => TokenStream::new(),
        Output::Plain(ty) => {
            let value = quote_spanned!(ty.span()=> ::carom::__private_0_1::output::<#ty>());
            quote!(const _CAROM_OUTPUT: ::carom::__private_0_1::Travels<#ty> = #value;)
        }
        Output::Result(halves) => {
            let Halves { ok, err, .. } = &**halves;
            let value_ok = quote_spanned!(ok.span()=> ::carom::__private_0_1::output::<#ok>());
            let value_err = quote_spanned!(err.span()=> ::carom::__private_0_1::error::<#err>());
            quote! {
                const _CAROM_OUTPUT: ::carom::__private_0_1::Travels<#ok> = #value_ok;
                const _CAROM_ERROR: ::carom::__private_0_1::Travels<#err> = #value_err;
            }
        }
    }
}

impl ToTokens for Argument {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Argument { attributes, mutability, name, ty } = self;
        tokens.extend(quote!(#(#attributes)* #mutability #name: #ty));
    }
}
