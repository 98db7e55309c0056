#[carom::shared]
struct Step {
    state: u32,
    run: dyn Fn(u64) -> u64,
}

fn main() {}
