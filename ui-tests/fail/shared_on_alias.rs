#[carom::shared]
type Point = [f64; 2];

fn main() {}
