#[carom::shared]
enum State {
    Running,
    Ended(Result<u64, u32>),
}

fn main() {}
