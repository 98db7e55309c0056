#[carom::shared]
#[repr(C, u8)]
enum Value {
    Whole(u64),
    Real(f64),
}

fn main() {}
