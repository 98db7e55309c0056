#[carom::task(timeout = "0s")]
fn square(x: u64) -> u64 {
    x * x
}

fn main() {}
