#[carom::task]
struct Image {
    pixels: Vec<u8>,
}

fn main() {}
