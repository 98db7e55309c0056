#[carom::shared]
enum Byte {
    First = 254,
    Second,
    Third,
}

fn main() {}
