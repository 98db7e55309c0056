#[carom::shared]
struct Player {
    score: u64,
    name: String,
}

fn main() {}
