#[carom::task]
fn square(square: u64) -> u64 {
    square * square
}

fn main() {}
