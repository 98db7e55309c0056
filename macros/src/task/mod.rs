//! `#[task]`: [`options`] and [`attributes`] and [`signature`] are checked, then [`expand`]ed.

mod attributes;
mod duration;
mod expand;
mod options;
mod rustdoc;
mod signature;
mod stand_in;
mod types;

use proc_macro2::TokenStream;
use syn::{Block, Error, Ident, ItemFn, Path, Visibility};

use crate::mistakes::{Mistakes, report};
use attributes::Attributes;
use options::Options;
use signature::Signature;
pub(crate) use stand_in::stand_in;

/// A task that is known to be sound; only [`expand`] turns it into tokens.
pub(crate) struct Task {
    visibility: Visibility,
    name: Ident,
    options: Options,
    attributes: Attributes,
    signature: Signature,
    body: Block,
}

/// Whether an attribute is `#[task]` or `#[carom::task]`.
pub(crate) fn is_task(path: &Path) -> bool {
    let mut names = path.segments.iter().rev().map(|segment| &segment.ident);
    names.next().is_some_and(|last| last == "task") && names.all(|name| name == "carom")
}

/// `#[carom::task(OPTIONS)] ITEM`.
pub(crate) fn attribute(options: TokenStream, item: TokenStream) -> TokenStream {
    let Ok(function) = syn::parse2::<ItemFn>(item.clone()) else {
        let what = "only a function with a body can be a task: `#[task] fn name(argument: Type) -> Output { … }`";
        let first = item.clone().into_iter().next();
        return report(item, &Error::new_spanned(first, what));
    };
    match define(options, function.clone()) {
        Ok(task) => task,
        Err(error) if stand_in::is_method(&function) => report(item, &error),
        Err(error) => stand_in::stand_in(&function, stand_in::presentable(function.clone()), &error),
    }
}

/// Expands the function into a task.
pub(crate) fn define(options: TokenStream, function: ItemFn) -> Result<TokenStream, Error> {
    Ok(expand::expand(&check(options, function)?))
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
        assert!(tokens.contains(&item.to_string()), "{tokens}");
        assert_eq!(tokens.matches("compile_error").count(), 4, "{tokens}");
    }
}
