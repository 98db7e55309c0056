#[carom::shared]
struct Step {
    run: impl Fn(u64) -> u64,
}

fn main() {}
