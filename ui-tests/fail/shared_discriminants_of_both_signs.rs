#[carom::shared]
enum Code {
    Ok = 0,
    Failed = -1,
    NotFound = 404,
}

fn main() {}
