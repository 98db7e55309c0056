mod codec {
    pub fn decode(bytes: Vec<u8>) -> usize {
        bytes.len()
    }
}

carom::tasks! {
    #[task = "images.decode"]
    codec::decode as decode(bytes: Vec<u8>) -> usize;
}

fn main() {}
