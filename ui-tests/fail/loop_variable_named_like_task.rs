#[carom::task]
fn square(x: u64) -> u64 {
    x * x
}

fn main() {
    for square in 0..64 {
        println!("{square:?}");
    }
}
