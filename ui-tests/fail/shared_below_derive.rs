#[derive(Clone, Copy, carom::Shared)]
#[carom::shared]
struct Point {
    x: f32,
}

fn main() {}
