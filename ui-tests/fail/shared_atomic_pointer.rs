use std::sync::atomic::AtomicPtr;

#[carom::shared]
struct Head {
    first: AtomicPtr<u64>,
}

fn main() {}
