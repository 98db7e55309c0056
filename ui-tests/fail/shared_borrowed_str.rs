#[carom::shared]
struct Player {
    name: &'static str,
}

fn main() {}
