#[carom::task]
fn square(x: u64) -> u64 {
    x * x
}

fn cube(square: u64, x: u64) -> u64 {
    square * x
}

fn main() {
    cube(4, 2);
}
