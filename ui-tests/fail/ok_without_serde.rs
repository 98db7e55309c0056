struct Image(Vec<u8>);

#[carom::task]
fn blank(size: usize) -> Result<Image, String> {
    Ok(Image(vec![0; size]))
}

fn main() {}
