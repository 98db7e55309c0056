//! An expansion needs no permission for unsafe code.
#![forbid(unsafe_code)]

#[carom::shared]
struct Point {
    x: f32,
    y: f32,
}

#[derive(carom::Shared)]
#[repr(u8)]
enum Shape<T> {
    Dot(Point),
    Many { points: [T; 4] },
}

fn fits<T: carom::Shared>(_: &T) {}

fn main() {
    let dot = Shape::<Point>::Dot(Point { x: 1.0, y: 2.0 });
    fits(&dot);
    if let Shape::Dot(Point { x, y }) = dot {
        assert_eq!((x, y), (1.0, 2.0));
    }
    fits(&Shape::Many { points: [1u8; 4] });
}
