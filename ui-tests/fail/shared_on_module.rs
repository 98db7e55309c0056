#[carom::shared]
mod counters {}

fn main() {}
