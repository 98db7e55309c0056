//! A task with one argument has that very type as its input, also where it is a tuple.
#![deny(warnings)]
use carom::{Process, Task};

#[carom::task]
fn square(x: u64) -> u64 {
    assert_eq!(x, 3);
    x * x
}

#[carom::task]
fn add(pair: Pair) -> u64 {
    pair.0 + pair.1
}

type Pair = (u64, u64);

fn input_of<T: Task>(_task: T) -> std::any::TypeId
where
    T::Input: 'static,
{
    std::any::TypeId::of::<T::Input>()
}

#[carom::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    assert_eq!(square(3), 9);
    assert_eq!(add((1, 2)), 3);
    assert_eq!(input_of(square), std::any::TypeId::of::<u64>());
    assert_eq!(input_of(add), std::any::TypeId::of::<Pair>());
    // the type of the input is known, so that what is parsed need not be named
    assert!(Process::spawn(square, "3".parse()?)?.join()?.success());
    assert!(Process::spawn(add, (1, 2))?.join()?.success());
    Ok(())
}
