struct Image(Vec<u8>);
struct Mask(Vec<bool>);

#[carom::task]
fn fits(image: Image, zoom: f32, mask: Mask) -> bool {
    image.0.len() as f32 * zoom == mask.0.len() as f32
}

fn main() {}
