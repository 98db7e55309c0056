struct Image {
    pixels: Vec<u8>,
}

#[carom::task]
fn count(images: Vec<Image>) -> usize {
    images.iter().map(|image| image.pixels.len()).sum()
}

fn main() {}
