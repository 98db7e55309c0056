#[carom::task]
fn square(x: u64) -> u64 {
    "x"
}

fn main() {}
