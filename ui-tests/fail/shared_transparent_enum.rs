#[derive(carom::Shared)]
#[repr(transparent)]
enum Only {
    One(u64),
}

fn main() {}
