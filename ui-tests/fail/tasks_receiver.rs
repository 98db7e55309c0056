struct Codec;

impl Codec {
    fn reset(&self) {}
}

carom::tasks! {
    Codec::reset as reset(&self);
}

fn main() {}
