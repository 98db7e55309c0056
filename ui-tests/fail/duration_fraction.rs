#[carom::task(timeout = "1.5s")]
fn square(x: u64) -> u64 {
    x * x
}

fn main() {}
