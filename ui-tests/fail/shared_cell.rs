use std::cell::Cell;

#[carom::shared]
struct Counter {
    value: [Cell<u64>; 2],
}

fn main() {}
