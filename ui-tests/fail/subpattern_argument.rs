#[carom::task]
fn square(x @ _: u64) -> u64 {
    x * x
}

fn main() {}
