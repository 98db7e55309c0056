//! What a task becomes. `#[task] pub fn square(x: u64) -> u64 { x * x }` is, without the paths:
//!
//! ```text
//! pub struct square {}                                 // so that `square::INFO` can be written
//! pub static square: square = square {};               // a value, so that it can be an argument
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
use syn::{Ident, Type, Visibility};

use super::signature::{Argument, Halves, Output};
use super::{Options, Task};

pub(super) fn expand(task: &Task) -> TokenStream {
    let Task { visibility, name, attributes, .. } = task;
    let of_struct = &attributes.of_struct;
    let documentation = documentation(task);
    let rest = rest(task);
    // `struct` bears the span of the name: in an `impl`, where it may not stand, rustc points there
    let keyword = Ident::new("struct", name.span());
    let braces = quote_spanned!(name.span()=> {});
    // a static and not a unit struct, because clippy takes `square(3);` for a constructor, which does nothing
    let value = quote_spanned!(name.span()=> static #name: #name = #name {};);
    let deprecated = of_struct.iter().filter(|attribute| attribute.path().is_ident("deprecated"));
    quote! {
        #(#of_struct)*
        #documentation
        #[allow(non_camel_case_types)]
        #[::carom::__private_0_1::with {
            #[doc(hidden)]
            #(#deprecated)*
            #[allow(non_upper_case_globals, deprecated)]
            #visibility #value
            #rest
        }]
        #visibility #keyword #name #braces
    }
}

/// The signature, which the page of a struct would not show.
fn documentation(task: &Task) -> TokenStream {
    let text = format!("```text\n{}\n```", task.signature.text);
    let documented = task.attributes.of_struct.iter().any(|attribute| attribute.path().is_ident("doc"));
    match task.visibility {
        // not for rustc, which would miss that documentation is missing
        Visibility::Public(_) if !documented => quote!(#[cfg_attr(doc, doc = #text)]),
        _ => quote!(#[doc = ""] #[doc = #text]),
    }
}

fn rest(task: &Task) -> TokenStream {
    let Task { name, attributes, signature, body, .. } = task;
    let of_function = &attributes.of_function;
    let arguments = &signature.arguments;
    let types: Vec<_> = arguments.iter().map(|argument| &argument.ty).collect();
    let values: Vec<_> = (0..types.len()).map(|i| local(&format!("carom_value_{i}"))).collect();
    let (reader, writer, output_value) = (local("carom_reader"), local("carom_writer"), local("carom_output"));
    let (input_value, batch) = (local("carom_input"), local("carom_batch"));
    let formatter = local("carom_formatter");
    let output = output_type(&signature.output);
    let proof_names: Vec<_> = (0..arguments.len()).map(proof_name).collect();
    let returns = match &signature.output {
        Output::Unit => None,
        _ => Some(quote!(-> #output)),
    };
    let pointer = quote!(fn(#(#types),*) #returns);
    let (input, pattern) = match (&*types, &*values) {
        ([ty], [value]) => (quote!(#ty), quote!(#value)),
        _ => (quote!((#(#types),*)), quote!((#(#values),*))),
    };
    let input_codec = match &*proof_names {
        [one] => quote!(#one),
        _ => quote! {
            ::carom::__private_0_1::Travels::by(
                |#pattern, #writer| {
                    #(#proof_names.encode(#values, #writer)?;)*
                    ::core::result::Result::Ok(())
                },
                |#reader| {
                    #(let #values = #proof_names.decode(#reader)?;)*
                    ::core::result::Result::Ok(#pattern)
                },
            )
        },
    };
    let output_codec = output_codec(&signature.output);
    let proofs = arguments.iter().enumerate().map(|(i, argument)| proof(i, &argument.ty));
    let output_proofs = output_proofs(&signature.output);
    let info = info(task);
    quote! {
        const _: () = {
            // the one place that names the task: where that is deprecated, or not a task's name alone,
            // it is said once, or not at all
            #[allow(deprecated)]
            type CaromTask = #name;
            #[allow(deprecated)]
            const _: CaromTask = #name;
            impl CaromTask {
                #(#of_function)*
                fn call(#(#arguments),*) #returns #body
            }
            #(#proofs)*
            #output_proofs
            #[automatically_derived]
            impl ::core::ops::Deref for CaromTask {
                type Target = #pointer;
                fn deref(&self) -> &Self::Target {
                    const CAROM_CALL: #pointer = CaromTask::call;
                    &CAROM_CALL
                }
            }
            #[automatically_derived]
            impl ::core::clone::Clone for CaromTask {
                fn clone(&self) -> Self { *self }
            }
            #[automatically_derived]
            impl ::core::marker::Copy for CaromTask {}
            #[automatically_derived]
            impl ::core::fmt::Debug for CaromTask {
                fn fmt(&self, #formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    ::core::fmt::Formatter::write_str(#formatter, <Self as ::carom::Task>::INFO.name())
                }
            }
            #[automatically_derived]
            impl ::carom::Task for CaromTask {
                type Input = #input;
                type Output = #output;
                const INFO: &'static ::carom::task::TaskInfo = &#info;
                const CODEC: ::carom::__private_0_1::Codec<#input, #output> = ::carom::__private_0_1::Codec {
                    input: #input_codec,
                    output: #output_codec,
                };
            }
            fn carom_prepare(#reader: &mut ::carom::__private_0_1::Reader<'_>)
                -> ::core::result::Result<::carom::__private_0_1::Prepared, ::carom::DecodeError>
            {
                let #input_value = <CaromTask as ::carom::Task>::CODEC.input.decode(#reader)?;
                ::core::result::Result::Ok(::std::boxed::Box::new(move || {
                    use ::carom::__private_0_1::outcome::{
                        Chained as _, Debugged as _, Displayed as _, Opaque as _, Plain as _, Remote as _,
                    };
                    let #pattern = #input_value;
                    let #output_value = CaromTask::call(#(#values),*);
                    (&&&&&&::carom::__private_0_1::outcome::Outcome(&#output_value)).carom_failure()
                }))
            }
            fn carom_run(#batch: &mut ::carom::__private_0_1::Batch<'_>) {
                let carom_call = |#pattern: #input| CaromTask::call(#(#values),*);
                ::carom::__private_0_1::run(&<CaromTask as ::carom::Task>::CODEC, carom_call, #batch);
            }
            ::carom::__private_0_1::inventory::submit! {
                ::carom::__private_0_1::Registered(<CaromTask as ::carom::Task>::INFO)
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
            (carom_prepare, carom_run),
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

/// A name inside the expansion. No hygiene keeps a pattern from naming a constant or a task of the user's,
/// so these begin with `carom_`.
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

fn output_codec(output: &Output) -> TokenStream {
    match output {
        Output::Unit => quote!(::carom::__private_0_1::output::<()>()),
        Output::Plain(_) => quote!(CAROM_OUTPUT),
        Output::Result(_) => quote! {
            ::carom::__private_0_1::Travels::by(
                |carom_result, carom_writer| {
                    let (carom_ok, carom_err) = (CAROM_OUTPUT, CAROM_ERROR);
                    ::carom::__private_0_1::encode_result(carom_result, carom_ok, carom_err, carom_writer)
                },
                |carom_reader| {
                    let (carom_ok, carom_err) = (CAROM_OUTPUT, CAROM_ERROR);
                    ::carom::__private_0_1::decode_result(carom_ok, carom_err, carom_reader)
                },
            )
        },
    }
}

fn output_proofs(output: &Output) -> TokenStream {
    match output {
        Output::Unit => TokenStream::new(),
        Output::Plain(ty) => {
            let value = quote_spanned!(ty.span()=> ::carom::__private_0_1::output::<#ty>());
            quote!(const CAROM_OUTPUT: ::carom::__private_0_1::Travels<#ty> = #value;)
        }
        Output::Result(halves) => {
            let Halves { ok, err, .. } = &**halves;
            let value_ok = quote_spanned!(ok.span()=> ::carom::__private_0_1::output::<#ok>());
            let value_err = quote_spanned!(err.span()=> ::carom::__private_0_1::error::<#err>());
            quote! {
                const CAROM_OUTPUT: ::carom::__private_0_1::Travels<#ok> = #value_ok;
                const CAROM_ERROR: ::carom::__private_0_1::Travels<#err> = #value_err;
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
