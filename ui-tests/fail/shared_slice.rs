#[carom::shared]
struct Samples {
    count: u32,
    all: [f64],
}

fn main() {}
