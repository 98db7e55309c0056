struct Counter;

#[carom::shared]
impl Counter {
    fn increment(&mut self) {}
}

fn main() {}
