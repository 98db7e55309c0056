type Name = String;

#[carom::shared]
struct Player {
    name: Name,
}

fn main() {}
