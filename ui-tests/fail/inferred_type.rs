#[carom::task]
fn count(values: Vec<_>) -> usize {
    values.len()
}

fn main() {}
