carom::tasks! {
    fn decode(bytes: Vec<u8>) -> usize {
        bytes.len()
    }
}

fn main() {}
