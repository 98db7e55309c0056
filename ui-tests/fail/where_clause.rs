#[carom::task]
fn largest(values: Vec<u64>) -> Option<u64>
where
    u64: Ord,
{
    values.into_iter().max()
}

fn main() {}
