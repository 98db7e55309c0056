#[carom::shared]
#[carom::shared]
struct Point {
    x: f32,
}

fn main() {}
