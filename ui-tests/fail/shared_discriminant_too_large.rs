#[carom::shared]
enum Code {
    Ok = 200,
    NotFound = 404,
}

fn main() {}
