#[carom::shared]
trait Count {
    fn increment(&mut self);
}

fn main() {}
