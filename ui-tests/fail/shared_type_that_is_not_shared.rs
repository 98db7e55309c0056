struct Point {
    _x: f32,
}

#[carom::shared]
struct Line {
    ends: [Point; 2],
}

fn main() {}
