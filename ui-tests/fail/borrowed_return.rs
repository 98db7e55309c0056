#[carom::task]
fn version() -> &'static str {
    "1.0"
}

fn main() {}
