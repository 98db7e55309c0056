//! `#[task]`: [`options`] and [`attributes`] and [`signature`] are checked, then [`expand`]ed.

mod attributes;
mod duration;
mod expand;
mod options;
mod rustdoc;
mod signature;
mod types;

use proc_macro2::TokenStream;
use syn::{Block, Error, Ident, ItemFn, Visibility};

use crate::mistakes::{Mistakes, report};
use attributes::Attributes;
use options::Options;
use signature::Signature;

/// A task that is known to be sound; only [`expand`] turns it into tokens.
pub(crate) struct Task {
    visibility: Visibility,
    name: Ident,
    options: Options,
    attributes: Attributes,
    signature: Signature,
    body: Block,
}

/// `#[carom::task(OPTIONS)] ITEM`.
pub(crate) fn attribute(options: TokenStream, item: TokenStream) -> TokenStream {
    match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => define(options, function, item),
        Err(_) => {
            let what = "only a function with a body can be a task: `#[task] fn name(argument: Type) -> Output { … }`";
            let first = item.clone().into_iter().next();
            report(item, &Error::new_spanned(first, what))
        }
    }
}

/// Expands the function into a task, or reports what is wrong with it beside `as_written`.
pub(crate) fn define(options: TokenStream, function: ItemFn, as_written: TokenStream) -> TokenStream {
    match check(options, function) {
        Ok(task) => expand::expand(&task),
        Err(error) => report(as_written, &error),
    }
}

fn check(options: TokenStream, function: ItemFn) -> Result<Task, Error> {
    let mut mistakes = Mistakes::default();
    let options = Options::check(options, &mut mistakes);
    let attributes = Attributes::check(function.attrs, &mut mistakes);
    let name = function.sig.ident.clone();
    let signature = Signature::check(function.sig, &mut mistakes);
    mistakes.into_result(|| Task {
        visibility: function.vis,
        name,
        options,
        attributes,
        signature,
        body: *function.block,
    })
}

#[cfg(test)]
mod tests {
    use super::attribute;
    use quote::quote;

    fn expansion() -> String {
        let options = quote!(name = "img.thumb", timeout = "5s", retries = 2);
        let item = quote! {
            /// Makes a thumbnail.
            #[cfg(unix)]
            #[inline]
            pub fn thumb(path: PathBuf, mut width: u32) -> Result<PathBuf, RemoteError> { todo(path, width) }
        };
        attribute(options, item).to_string()
    }

    #[test]
    fn expanding_twice_gives_the_same_tokens() {
        assert_eq!(expansion(), expansion());
    }

    #[test]
    fn a_function_with_mistakes_is_still_emitted() {
        let item = quote!(
            async fn f<T>(x: &str) -> u8 {
                1
            }
        );
        let tokens = attribute(quote!(retires = 1), item.clone()).to_string();
        assert!(tokens.starts_with(&item.to_string()), "{tokens}");
        assert_eq!(tokens.matches("compile_error").count(), 4, "{tokens}");
    }
}
