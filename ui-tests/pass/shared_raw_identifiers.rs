//! Names that are keywords.
#![deny(warnings)]
#![allow(non_camel_case_types)]

#[carom::shared]
struct r#struct<r#type> {
    r#fn: r#type,
    r#match: u8,
}

#[carom::shared]
enum r#enum {
    r#loop(u8),
    r#while { r#in: u32 },
}

fn fits<T: carom::Shared>(_: &T) {}

fn main() {
    let value = r#struct { r#fn: 1u64, r#match: 2 };
    fits(&value);
    assert_eq!((value.r#fn, value.r#match), (1, 2));
    for value in [r#enum::r#loop(1), r#enum::r#while { r#in: 1 }] {
        fits(&value);
        assert!(matches!(value, r#enum::r#loop(1) | r#enum::r#while { r#in: 1 }));
    }
}
