#[carom::task]
fn square(x: u64) -> u64 {
    x * x
}

fn main() {
    let square = square(3);
    println!("{square:?}");
}
