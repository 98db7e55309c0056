#[carom::task(timeout = "9999999h")]
fn square(x: u64) -> u64 {
    x * x
}

fn main() {}
