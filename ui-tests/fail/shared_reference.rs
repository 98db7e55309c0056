#[carom::shared]
enum Target {
    Here(&'static u64),
    Nowhere,
}

fn main() {}
