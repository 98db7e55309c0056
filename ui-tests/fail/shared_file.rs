use std::fs::File;

#[carom::shared]
struct Log {
    file: File,
}

fn main() {}
