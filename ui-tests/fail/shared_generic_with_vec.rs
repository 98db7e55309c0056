#[carom::shared]
struct List<T> {
    items: Vec<T>,
}

fn main() {}
