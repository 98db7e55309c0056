#[carom::shared]
struct Player {
    name: String,
}

fn fits<T: carom::Shared>() {}

fn main() {
    fits::<Player>();
    fits::<[Player; 4]>();
}
