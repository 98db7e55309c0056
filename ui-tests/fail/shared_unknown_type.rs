#[carom::shared]
enum Shape {
    Circle(Radius),
}

fn main() {}
