//! A task without arguments has `()` as its input.
#![deny(warnings)]
use carom::{Process, Task};

#[carom::task]
fn greet() {
    println!("hello");
}

#[carom::main]
fn main() -> carom::Result<()> {
    greet();
    assert!(Process::spawn(greet, ())?.join()?.success());
    assert_eq!(size_of_val(&greet), 0);
    assert_eq!(format!("{greet:?}"), greet::INFO.name());
    Ok(())
}
