#[carom::shared]
fn increment() {}

fn main() {
    increment();
}
