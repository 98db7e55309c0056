#[carom::shared]
struct Step {
    run: fn(u64) -> u64,
}

fn main() {}
