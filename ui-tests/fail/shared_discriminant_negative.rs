#[carom::shared]
enum Code {
    Ok = 0,
    Failed = -1,
}

fn main() {}
