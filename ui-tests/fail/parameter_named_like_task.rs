#[carom::task]
fn square(x: u64) -> u64 {
    x * x
}

fn cube(square: u64, x: u64) -> u64 {
    println!("{square:?}");
    x * x * x
}

fn main() {
    cube(4, 2);
}
