use std::sync::Mutex;

#[carom::shared]
struct Counter {
    value: Mutex<u64>,
}

fn main() {}
