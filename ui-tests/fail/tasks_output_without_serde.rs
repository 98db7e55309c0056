mod codec {
    pub struct Image(pub Vec<u8>);

    pub fn decode(bytes: Vec<u8>) -> Image {
        Image(bytes)
    }
}

carom::tasks! {
    codec::decode as decode(bytes: Vec<u8>) -> codec::Image;
}

fn main() {}
