struct Codec;

#[carom::task]
impl Codec {
    fn decode(bytes: Vec<u8>) -> usize {
        bytes.len()
    }
}

fn main() {}
