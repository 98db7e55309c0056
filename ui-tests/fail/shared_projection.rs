trait Unit {
    type Number;
}

impl Unit for u8 {
    type Number = String;
}

#[carom::shared]
struct Length {
    number: <u8 as Unit>::Number,
}

fn main() {}
