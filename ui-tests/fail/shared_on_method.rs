struct Counter;

impl Counter {
    #[carom::shared]
    fn increment(&mut self) {}
}

fn main() {
    Counter.increment();
}
