//! All mistakes that one stage found, to be reported in one compile.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Error;

/// The mistakes found so far; nothing is expanded past a stage that has some.
#[derive(Default)]
pub(crate) struct Mistakes(Option<Error>);

impl Mistakes {
    /// Adds a mistake at `tokens`, which is what the user has to change.
    pub(crate) fn add(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.push(Error::new_spanned(tokens, message));
    }

    pub(crate) fn push(&mut self, error: Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            none => *none = Some(error),
        }
    }

    /// Ends a stage: its result if nothing was wrong.
    pub(crate) fn into_result<T>(self, checked: impl FnOnce() -> T) -> Result<T, Error> {
        match self.0 {
            Some(error) => Err(error),
            None => Ok(checked()),
        }
    }
}

/// What is emitted for input with mistakes: the user's item as it stands, so that nothing else
/// fails for want of it, and the messages.
pub(crate) fn report(item: impl ToTokens, error: &Error) -> TokenStream {
    let mut tokens = item.into_token_stream();
    tokens.extend(error.to_compile_error());
    tokens
}
