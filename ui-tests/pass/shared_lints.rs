//! An expansion sets off no lint, not even those that most programs never turn on.
#![forbid(unsafe_code)]
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
#![deny(clippy::all, clippy::pedantic)]

/// Nothing.
#[carom::shared]
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

/// A point.
#[carom::shared]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point<T, const N: usize = 2>
where
    T: Copy,
{
    /// One number for each direction.
    pub at: [T; N],
    private: bool,
    /// As it was.
    #[deprecated]
    pub old: u8,
}

/// How far it is.
#[carom::shared]
#[repr(usize)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It has not begun.
    Begun = 1,
    /// It is ended.
    Ended,
    /// It was never.
    #[deprecated]
    Never = 1 << 4,
}

/// What there was.
#[carom::shared]
#[deprecated]
#[derive(Clone, Copy, Debug)]
pub struct Old {
    /// A number.
    pub number: i64,
}

mod inner {
    /// For the whole crate.
    #[carom::shared]
    #[derive(Clone, Copy, Debug)]
    pub(crate) enum Event {
        Key(char),
        Move { x: f32, y: f32 },
    }
}

#[allow(deprecated)]
fn main() {
    let point = Point { at: [1.0, 2.0], private: true, old: 1 };
    assert!(point.private && point.at[0] < 2.0 && point.old == 1);
    let _ = (Nothing, Stage::Begun, Stage::Ended, Stage::Never, Old { number: 1 });
    if let inner::Event::Key(key) = inner::Event::Key('a') {
        assert_eq!(key, 'a');
    }
    if let inner::Event::Move { x, y } = (inner::Event::Move { x: 1.0, y: 2.0 }) {
        assert!(x < y);
    }
}
