#[carom::task]
fn square(x: u64) -> u64 {
    x * x
}

#[carom::task]
fn cube(square: u64, x: u64) -> u64 {
    println!("{square:?}");
    x * x * x
}

fn main() {}
