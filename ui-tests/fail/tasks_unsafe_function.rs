mod codec {
    pub unsafe fn decode(bytes: Vec<u8>) -> usize {
        bytes.len()
    }
}

carom::tasks! {
    codec::decode as decode(bytes: Vec<u8>) -> usize;
}

fn main() {}
