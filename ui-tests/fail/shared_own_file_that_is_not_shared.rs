struct File {
    _bytes: u64,
}

#[carom::shared]
struct Log {
    file: File,
}

fn main() {}
