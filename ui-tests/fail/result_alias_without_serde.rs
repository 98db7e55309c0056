#[carom::task]
fn size(path: String) -> carom::Result<u64> {
    Ok(std::fs::metadata(path)?.len())
}

fn main() {}
