fn fits<T: carom::Shared>(_: T) {}

fn main() {
    fits(1u8);
    fits("text".to_owned());
}
