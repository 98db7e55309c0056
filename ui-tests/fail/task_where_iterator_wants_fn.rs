#[carom::task]
fn square(x: u64) -> u64 {
    x * x
}

fn main() {
    let _: Vec<u64> = (0..3).map(square).collect();
}
