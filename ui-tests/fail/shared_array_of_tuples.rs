#[carom::shared]
struct Path(u8, [(f64, f64); 8]);

fn main() {}
