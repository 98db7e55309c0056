#[carom::task]
fn square(#[serde(default)] x: u64) -> u64 {
    x * x
}

fn main() {}
