#[derive(carom::Shared)]
enum Level {
    Low,
    High,
}

fn main() {}
