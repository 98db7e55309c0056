struct Codec;

impl Codec {
    #[carom::task]
    fn decode(bytes: Vec<u8>) -> usize {
        bytes.len()
    }
}

fn main() {}
