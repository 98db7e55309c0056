//! `tasks!`: tasks made of functions that know nothing of carom. Each declaration becomes the
//! function that one would write by hand, and goes the way of `#[task]`.

use proc_macro2::{Delimiter, Group, TokenStream};
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::token::Paren;
use syn::{
    Attribute, ExprPath, FnArg, Ident, ItemFn, Meta, Pat, ReturnType, Token, Visibility, parenthesized, parse_quote,
};

use crate::mistakes::{Mistakes, report};
use crate::task;

/// `#[attributes] pub codec::decode as decode_image(bytes: Vec<u8>) -> Image;`
struct Declaration {
    attributes: Vec<Attribute>,
    visibility: Visibility,
    path: ExprPath,
    name: Ident,
    parentheses: Paren,
    arguments: Punctuated<FnArg, Token![,]>,
    output: ReturnType,
}

impl Parse for Declaration {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let path = input.parse()?;
        input.parse::<Token![as]>()?;
        let name = input.parse()?;
        let arguments;
        let parentheses = parenthesized!(arguments in input);
        let arguments = arguments.parse_terminated(FnArg::parse, Token![,])?;
        let output = input.parse()?;
        input.parse::<Token![;]>()?;
        Ok(Self { attributes, visibility, path, name, parentheses, arguments, output })
    }
}

struct Declarations(Vec<Declaration>);

impl Parse for Declarations {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut all = Vec::new();
        while !input.is_empty() {
            all.push(input.parse()?);
        }
        Ok(Self(all))
    }
}

const FORM: &str = "declare a task as `pub codec::decode as decode_image(bytes: Vec<u8>) -> Image;`";

/// `carom::tasks! { DECLARATION; … }`.
pub(crate) fn tasks(tokens: TokenStream) -> TokenStream {
    match syn::parse2::<Declarations>(tokens) {
        Ok(Declarations(all)) => all.into_iter().map(expand).collect(),
        Err(error) => {
            let message = format!("{error}; {FORM}");
            report(TokenStream::new(), &syn::Error::new(error.span(), message))
        }
    }
}

fn expand(declaration: Declaration) -> TokenStream {
    let Declaration { attributes, visibility, path, name, parentheses, arguments, output } = declaration;
    let mut mistakes = Mistakes::default();
    let (options, attributes): (Vec<_>, Vec<_>) = attributes.into_iter().partition(|a| task::is_task(a.path()));
    if let Some(second) = options.get(1) {
        mistakes.add(second, "the options of a task stand in one `#[task(…)]`");
    }
    let options = match options.first().map(|attribute| &attribute.meta) {
        Some(Meta::List(list)) => list.tokens.clone(),
        Some(other) => {
            mistakes.add(other, "the options of a task stand in parentheses: `#[task(timeout = \"5s\")]`");
            TokenStream::new()
        }
        None => TokenStream::new(),
    };
    // anything but a plain name is reported by the check of the function, which then has no call
    let names = arguments.iter().filter_map(|argument| match argument {
        FnArg::Typed(typed) => match &*typed.pat {
            Pat::Ident(name) => Some(&name.ident),
            _ => None,
        },
        FnArg::Receiver(_) => None,
    });
    // what is wrong with the call is shown where the arguments are declared
    let mut call = Group::new(Delimiter::Parenthesis, quote!(#(#names),*));
    call.set_span(parentheses.span.join());
    let function: ItemFn = parse_quote!(#(#attributes)* #visibility fn #name(#arguments) #output { #path #call });
    let defined = mistakes.into_result(|| ()).and_then(|()| task::define(options, function.clone()));
    defined.unwrap_or_else(|error| task::stand_in(&function, TokenStream::new(), &error))
}
