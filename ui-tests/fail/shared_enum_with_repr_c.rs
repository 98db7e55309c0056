#[carom::shared]
#[repr(C)]
enum Level {
    Low,
    High,
}

fn main() {}
