#[carom::task]
fn size(path: String) -> Result<u64, std::io::Error> {
    Ok(std::fs::metadata(path)?.len())
}

fn main() {}
