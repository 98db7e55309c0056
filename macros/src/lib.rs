//! The macros of `carom`, which re-exports and documents them.
//!
//! Each construct goes the same way: tokens → what was written → what was checked → what it expands
//! to. The checked types exist only for input without mistakes, so expansion cannot fail; all
//! mistakes of one stage are reported together, beside the user's item, which is always emitted.
//!
//! In reading order: `task` is the main construct (its folder is the pipeline), `foreign` feeds
//! functions of other crates into it, `shared` is for types in shared memory, `entry` is `#[main]`
//! and `#[test]`, `mistakes` collects what is reported.
#![forbid(unsafe_code)]

mod entry;
mod foreign;
mod mistakes;
mod shared;
mod task;

use proc_macro::TokenStream;

/// Turns a function into a task; see `carom::task`.
#[proc_macro_attribute]
pub fn task(options: TokenStream, item: TokenStream) -> TokenStream {
    task::attribute(options.into(), item.into()).into()
}

/// Makes tasks of functions that other crates define; see `carom::tasks`.
#[proc_macro]
pub fn tasks(declarations: TokenStream) -> TokenStream {
    foreign::tasks(declarations.into()).into()
}

/// Gives a type a fixed layout and makes it fit for shared memory; see `carom::shared`.
#[proc_macro_attribute]
pub fn shared(options: TokenStream, item: TokenStream) -> TokenStream {
    shared::attribute(options.into(), item.into()).into()
}

/// Makes a type of fixed layout fit for shared memory; see `carom::Shared`.
#[proc_macro_derive(Shared)]
pub fn derive_shared(item: TokenStream) -> TokenStream {
    shared::derive(item.into()).into()
}

/// Marks the program's entry; see `carom::main`.
#[proc_macro_attribute]
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    entry::main(options.into(), item.into()).into()
}

/// Marks a test that starts processes; see `carom::test`.
#[proc_macro_attribute]
pub fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    entry::test(options.into(), item.into()).into()
}

/// Emits the item and, after it, the tokens of its own argument.
///
/// A task expands to one single item that carries this attribute. So a `cfg` on the task governs all
/// that belongs to it, and a task in an `impl`, where no struct may stand, is one error and not ten.
#[doc(hidden)]
#[proc_macro_attribute]
pub fn with(rest: TokenStream, mut item: TokenStream) -> TokenStream {
    item.extend(rest);
    item
}

/// Emits its argument in place of the item, which only shows that items may stand here.
#[doc(hidden)]
#[proc_macro_attribute]
pub fn instead(rest: TokenStream, _item: TokenStream) -> TokenStream {
    rest
}
