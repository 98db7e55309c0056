struct Image {
    pixels: Vec<u8>,
}

#[carom::task]
fn count(image: Image) -> usize {
    image.pixels.len()
}

fn main() {}
