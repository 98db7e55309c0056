#[carom::shared]
struct Pair<T> {
    both: [T; 2],
}

#[carom::shared]
struct Names {
    pair: Pair<String>,
}

fn main() {}
