mod codec {
    pub fn decode(bytes: Vec<u8>, strict: bool) -> usize {
        if strict { bytes.len() } else { 0 }
    }
}

carom::tasks! {
    codec::decode as decode(bytes: Vec<u8>) -> usize;
}

fn main() {}
