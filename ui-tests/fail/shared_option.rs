#[carom::shared]
struct Slot {
    job: Option<u64>,
}

fn main() {}
