use std::sync::atomic::AtomicU64;

/// How many there were.
#[carom::shared]
static COUNT: AtomicU64 = AtomicU64::new(0);

fn main() {}
