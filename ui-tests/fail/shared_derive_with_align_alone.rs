#[derive(carom::Shared)]
#[repr(align(64))]
struct Line {
    bytes: [u8; 64],
}

fn main() {}
