struct Image(Vec<u8>);

#[carom::task]
fn blank(size: usize) -> Image {
    Image(vec![0; size])
}

fn main() {}
