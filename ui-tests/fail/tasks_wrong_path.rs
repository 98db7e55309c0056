mod codec {
    pub fn decode(bytes: Vec<u8>) -> usize {
        bytes.len()
    }
}

carom::tasks! {
    codec::decod as decode(bytes: Vec<u8>) -> usize;
}

fn main() {}
