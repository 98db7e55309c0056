//! Types that own what they need, however they are written.
#![deny(warnings)]
use std::borrow::Cow;
use std::collections::HashMap;

type Table = HashMap<String, [f64; 3]>;

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Image<const N: usize, T = u8> {
    pixels: Vec<T>,
}

mod shapes {
    #[derive(serde::Serialize, serde::Deserialize)]
    pub(crate) enum Shape {
        Circle { radius: f64 },
        Dot,
    }

    /// Owns its data, unlike its namesakes in the standard library.
    #[derive(serde::Serialize, serde::Deserialize)]
    pub(crate) struct Path(pub(crate) Vec<Shape>);

    #[derive(serde::Serialize, serde::Deserialize)]
    pub(crate) struct Cow<T>(pub(crate) T);
}

#[carom::task]
fn aliased(table: Table, key: Cow<'static, str>) -> Option<[f64; 3]> {
    table.get(&*key).copied()
}

#[carom::task]
fn generic(image: Image<2>) -> Image<2> {
    image
}

#[carom::task]
fn in_a_module(shape: self::shapes::Shape) -> f64 {
    match shape {
        shapes::Shape::Circle { radius } => radius * radius,
        shapes::Shape::Dot => 0.0,
    }
}

#[carom::task]
fn namesakes(path: shapes::Path, cow: shapes::Cow<u8>) -> usize {
    path.0.len() + usize::from(cow.0)
}

#[carom::task]
fn boxed(text: Box<str>, numbers: Box<[u8]>, unit: (), nothing: [u8; 0]) -> Box<str> {
    assert_eq!((numbers.len(), unit, nothing), (2, (), []));
    text
}

/// By a macro that passes on a type as one token.
macro_rules! identity {
    ($name:ident, $ty:ty) => {
        #[carom::task]
        fn $name(value: $ty) -> $ty {
            value
        }
    };
}

identity!(number, u64);
identity!(maybe, Option<Vec<u8>>);
identity!(fallible, Result<u8, String>);

#[carom::main]
fn main() {
    assert_eq!(aliased(Table::from([("a".to_owned(), [1.0; 3])]), "a".into()), Some([1.0; 3]));
    assert_eq!(generic(Image { pixels: vec![1, 2] }).pixels, [1, 2]);
    assert_eq!(in_a_module(shapes::Shape::Circle { radius: 2.0 }) + in_a_module(shapes::Shape::Dot), 4.0);
    assert_eq!(namesakes(shapes::Path(vec![shapes::Shape::Dot]), shapes::Cow(1)), 2);
    assert_eq!(&*boxed("text".into(), [1, 2].into(), (), []), "text");
    assert_eq!((number(1), maybe(None), fallible(Ok(1))), (1, None, Ok(1)));
}
