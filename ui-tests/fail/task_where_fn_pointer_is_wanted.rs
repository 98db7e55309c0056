#[carom::task]
fn square(x: u64) -> u64 {
    x * x
}

fn main() {
    let _: fn(u64) -> u64 = square;
}
