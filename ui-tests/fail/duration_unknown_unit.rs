#[carom::task(timeout = "5 seconds")]
fn square(x: u64) -> u64 {
    x * x
}

fn main() {}
