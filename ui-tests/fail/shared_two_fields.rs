#[carom::shared]
struct Player {
    name: String,
    friends: Vec<u64>,
}

fn main() {}
