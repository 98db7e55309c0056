#[carom::shared]
struct Pair<T> {
    both: [T; 2],
}

fn fits<T: carom::Shared>(_: Pair<T>) {}

fn main() {
    let text = || "text".to_owned();
    fits(Pair { both: [text(), text()] });
}
