#[carom::shared]
struct Node {
    next: Option<Box<Node>>,
}

fn main() {}
