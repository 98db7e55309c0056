//! A task needs documentation where any other item does.
#![deny(missing_docs)]

#[carom::task]
pub fn square(x: u64) -> u64 {
    x * x
}

fn main() {}
