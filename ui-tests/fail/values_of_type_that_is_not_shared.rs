struct Point {
    x: f32,
    y: f32,
}

fn main() {
    let _ = carom::Value::new(Point { x: 0.0, y: 0.0 });
}
