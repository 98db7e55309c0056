//! An expansion sets off no lint, not even those that most programs never turn on.
#![deny(warnings)]
#![deny(
    unused,
    nonstandard_style,
    future_incompatible,
    rust_2018_idioms,
    absolute_paths_not_starting_with_crate,
    ambiguous_negative_literals,
    explicit_outlives_requirements,
    let_underscore_drop,
    macro_use_extern_crate,
    meta_variable_misuse,
    missing_abi,
    missing_copy_implementations,
    missing_debug_implementations,
    missing_docs,
    non_ascii_idents,
    redundant_imports,
    redundant_lifetimes,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unnameable_types,
    unreachable_pub,
    unsafe_op_in_unsafe_fn,
    unused_import_braces,
    unused_lifetimes,
    unused_macro_rules,
    unused_qualifications,
    unused_results,
    variant_size_differences
)]

/// Is called by nobody in this program, but may be by another process.
#[carom::task]
fn never_called() {}

#[carom::task]
fn nothing(_x: u64, _y: ()) -> Option<()> {
    None
}

#[carom::task(name = "lints.result", timeout = "5s", soft_timeout = "4s", retries = 2)]
fn result(text: String, numbers: Vec<u8>) -> Result<usize, String> {
    text.len().checked_sub(numbers.len()).ok_or(text)
}

mod inner {
    /// For the whole crate.
    #[carom::task]
    pub(crate) fn of_the_crate(x: u8) -> u8 {
        x
    }
}

mod functions {
    pub(crate) fn decode(bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }
}

carom::tasks! {
    functions::decode as decode(bytes: Vec<u8>) -> Vec<u8>;
}

#[carom::main]
fn main() {
    assert!(nothing(1, ()).is_none());
    assert_eq!(result("text".to_owned(), vec![1]), Ok(3));
    assert_eq!(inner::of_the_crate(1), 1);
    assert_eq!(decode(vec![1]), [1]);
}
