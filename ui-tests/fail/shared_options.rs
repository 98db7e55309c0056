#[carom::shared(repr = "u8")]
enum Level {
    Low,
    High,
}

fn main() {}
