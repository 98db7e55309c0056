#[carom::task]
fn numbers() -> impl Iterator<Item = u64> {
    0..10
}

fn main() {}
