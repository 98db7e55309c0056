#[carom::task(timeout = "5")]
fn square(x: u64) -> u64 {
    x * x
}

fn main() {}
