#[derive(Clone, Copy, carom::Shared)]
struct Point {
    x: f32,
}

#[carom::shared]
struct Line {
    ends: [Point; 2],
}

fn fits<T: carom::Shared>() {}

fn main() {
    fits::<Point>();
    fits::<Line>();
}
