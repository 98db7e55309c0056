#[carom::task(name = images.thumbnail)]
fn square(x: u64) -> u64 {
    x * x
}

fn main() {}
