#[carom::task]
fn square(x: u64) -> _ {
    x * x
}

fn main() {}
