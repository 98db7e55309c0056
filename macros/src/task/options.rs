//! The options of a task: `#[task(name = "img.thumb", timeout = "5s", soft_timeout = "4s", retries = 2)]`.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, Ident, Lit, Token};

use super::duration;
use crate::mistakes::Mistakes;

const ACCEPTED: &str = "`name`, `timeout`, `soft_timeout` and `retries`";

/// What the user set; what was not set is left to the pool.
#[derive(Default)]
pub(super) struct Options {
    pub(super) name: Option<String>,
    pub(super) timeout: Option<Duration>,
    pub(super) soft_timeout: Option<Duration>,
    pub(super) retries: u32,
}

/// One `key = value` as written.
struct Setting {
    key: Ident,
    value: Expr,
}

impl Parse for Setting {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let key: Ident = input.parse().map_err(|error: syn::Error| {
            syn::Error::new(
                error.span(),
                format!("an option is a name and a value, as `timeout = \"5s\"`; the options of a task are {ACCEPTED}"),
            )
        })?;
        if !input.peek(Token![=]) {
            return Err(syn::Error::new(key.span(), without_value(&key)));
        }
        input.parse::<Token![=]>()?;
        Ok(Setting { key, value: input.parse()? })
    }
}

impl Options {
    pub(super) fn check(tokens: TokenStream, mistakes: &mut Mistakes) -> Self {
        let settings = match Punctuated::<Setting, Token![,]>::parse_terminated.parse2(tokens) {
            Ok(settings) => settings,
            Err(error) => {
                mistakes.push(error);
                return Self::default();
            }
        };
        let mut options = Self::default();
        let mut seen: Vec<String> = Vec::new();
        for Setting { key, value } in &settings {
            let name = key.to_string();
            match name.as_str() {
                _ if seen.contains(&name) => mistakes.add(key, format!("option `{name}` is set twice")),
                "name" => options.name = task_name(value, mistakes),
                "timeout" => options.timeout = limit(key, value, mistakes),
                "soft_timeout" => options.soft_timeout = limit(key, value, mistakes),
                "retries" => options.retries = count(value, mistakes),
                _ => mistakes.add(key, unknown(key)),
            }
            seen.push(name);
        }
        if let (Some(soft), Some(hard)) = (options.soft_timeout, options.timeout)
            && soft >= hard
        {
            let written = settings.iter().find(|setting| setting.key == "soft_timeout").map(|setting| &setting.value);
            mistakes.add(
                quote!(#written),
                "`soft_timeout` must be shorter than `timeout`, or the task is killed before it is warned",
            );
        }
        options
    }
}

fn unknown(key: &Ident) -> String {
    format!("unknown option `{key}`; the options of a task are {ACCEPTED}")
}

fn without_value(key: &Ident) -> String {
    let example = match key.to_string().as_str() {
        "name" => "\"images.thumbnail\"",
        "timeout" | "soft_timeout" => "\"5s\"",
        "retries" => "3",
        _ => return unknown(key),
    };
    format!("option `{key}` needs a value: `{key} = {example}`")
}

fn text(value: &Expr) -> Option<String> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}

fn task_name(value: &Expr, mistakes: &mut Mistakes) -> Option<String> {
    let Some(name) = text(value) else {
        mistakes.add(value, "`name` is a string: `name = \"images.thumbnail\"`");
        return None;
    };
    if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c.is_control()) {
        mistakes.add(value, "a task's name is not empty and has no white space: `name = \"images.thumbnail\"`");
    }
    Some(name)
}

fn limit(key: &Ident, value: &Expr, mistakes: &mut Mistakes) -> Option<Duration> {
    let Some(text) = text(value) else {
        mistakes.add(value, format!("`{key}` is a duration in a string: `{key} = \"5s\"`"));
        return None;
    };
    match duration::parse(&text) {
        Ok(duration) => Some(duration),
        Err(message) => {
            mistakes.add(value, message);
            None
        }
    }
}

fn count(value: &Expr, mistakes: &mut Mistakes) -> u32 {
    if let Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) = value
        && let Ok(number) = number.base10_parse()
    {
        return number;
    }
    mistakes.add(value, format!("`retries` is a whole number, at most {}: `retries = 3`", u32::MAX));
    0
}
