#[carom::task]
#[carom::task]
fn square(x: u64) -> u64 {
    x * x
}

fn main() {}
