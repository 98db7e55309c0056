mod codec {
    pub fn decode(bytes: Vec<u8>) -> usize {
        bytes.len()
    }
}

carom::tasks! {
    #[task(retries = 3)]
    #[task(timeout = "5s")]
    codec::decode as decode(bytes: Vec<u8>) -> usize;
}

fn main() {}
