#[carom::shared]
struct Node {
    next: Box<u64>,
}

fn main() {}
