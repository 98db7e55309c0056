#[carom::task]
fn ignore(_: u64) {}

fn main() {}
