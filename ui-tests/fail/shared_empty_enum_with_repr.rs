#[carom::shared]
#[repr(u16)]
enum Never {}

fn main() {}
