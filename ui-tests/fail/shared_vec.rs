#[carom::shared]
struct Samples {
    all: Vec<f64>,
}

fn main() {}
