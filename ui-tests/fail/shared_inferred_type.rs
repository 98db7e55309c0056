#[carom::shared]
struct Point {
    x: _,
}

fn main() {}
