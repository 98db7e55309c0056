#[carom::shared]
struct View<'a> {
    values: &'a [u8],
}

fn main() {}
