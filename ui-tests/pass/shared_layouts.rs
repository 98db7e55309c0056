//! What fixes a layout is taken as it is; otherwise it is added.
#![deny(warnings)]
#![allow(dead_code)]

use std::mem::{align_of, size_of};
use std::sync::atomic::AtomicU64;

#[carom::shared]
#[derive(Debug, Default, PartialEq)]
struct InOrder {
    a: u8,
    b: u32,
    c: u8,
}

#[derive(Debug, Default)]
#[carom::shared]
#[repr(align(64))]
struct Line {
    count: AtomicU64,
}

#[carom::shared]
#[repr(C)]
#[repr(align(16))]
struct Wide(u8);

#[carom::shared]
#[repr(transparent)]
struct Same(InOrder);

#[carom::shared]
struct Empty {}

#[carom::shared]
enum Small {
    One,
}

#[carom::shared]
#[repr(i64, align(32))]
enum Large {
    One(bool),
    Two,
}

fn main() {
    assert_eq!(size_of::<InOrder>(), 12);
    assert_eq!(InOrder::default(), InOrder { a: 0, b: 0, c: 0 });
    assert_eq!((size_of::<Line>(), align_of::<Line>()), (64, 64));
    assert_eq!(size_of::<Wide>(), 16);
    assert_eq!(size_of::<Same>(), 12);
    assert_eq!(size_of::<Empty>(), 0);
    assert_eq!(size_of::<Small>(), 1);
    assert_eq!(size_of::<Large>(), 32);
}
