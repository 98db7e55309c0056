use std::time::Duration;

#[carom::shared]
struct Limits {
    timeout: Duration,
}

fn main() {}
