#[carom::shared]
struct Player {
    name: str,
}

fn main() {}
