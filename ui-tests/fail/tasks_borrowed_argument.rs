mod codec {
    pub fn decode(bytes: &[u8]) -> usize {
        bytes.len()
    }
}

carom::tasks! {
    codec::decode as decode(bytes: &[u8]) -> usize;
}

fn main() {}
