#[carom::task]
fn version() -> Result<&'static str, String> {
    Ok("1.0")
}

fn main() {}
