use carom::Shared;

#[carom::shared]
#[derive(Clone, Copy, Shared)]
struct Point {
    x: f32,
}

fn main() {}
