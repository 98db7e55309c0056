#[carom::shared]
struct Guard<T> {
    value: T,
}

impl<T> Drop for Guard<T> {
    fn drop(&mut self) {}
}

#[carom::shared]
struct Counter {
    guard: Guard<u32>,
}

fn main() {}
