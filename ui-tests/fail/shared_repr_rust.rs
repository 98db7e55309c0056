#[carom::shared]
#[repr(Rust)]
struct Point {
    x: f32,
}

fn main() {}
