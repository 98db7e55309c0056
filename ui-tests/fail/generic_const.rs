#[carom::task]
fn sum<const N: usize>(values: [u64; N]) -> u64 {
    values.iter().sum()
}

fn main() {}
