#[carom::task]
fn sum(count: usize, values: ...) -> usize {
    count
}

fn main() {}
