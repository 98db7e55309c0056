#[carom::shared]
struct Node {
    next: *mut Node,
}

fn main() {}
