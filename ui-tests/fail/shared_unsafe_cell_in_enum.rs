use std::cell::UnsafeCell;

#[carom::shared]
enum Slot {
    Empty,
    Full { value: UnsafeCell<u64> },
}

fn main() {}
