#[carom::task]
fn square(x: u64) -> u64 {
    x * x
}

#[carom::task]
fn square(x: f64) -> f64 {
    x * x
}

fn main() {}
