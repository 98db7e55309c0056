#[carom::shared]
struct Ship {
    position: (f64, f64),
}

fn main() {}
