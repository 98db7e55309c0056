#[derive(carom::Shared)]
struct Point {
    x: f32,
}

fn main() {}
