#[carom::shared]
struct Slot {
    job: Option<_>,
}

fn main() {}
