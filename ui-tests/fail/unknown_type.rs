#[carom::task]
fn count(image: Image) -> usize {
    image.len()
}

fn main() {}
