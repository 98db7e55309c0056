#[carom::shared]
enum Code {
    Ok = 0,
    Failed = 0,
}

fn main() {}
