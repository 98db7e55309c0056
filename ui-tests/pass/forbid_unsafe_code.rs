//! A program may forbid unsafe code, though an expansion has some.
#![deny(warnings)]
#![forbid(unsafe_code)]

#[carom::task]
fn square(x: u64) -> u64 {
    x * x
}

#[carom::main]
fn main() -> carom::Result<()> {
    assert!(carom::Process::spawn(square, 3)?.join()?.success());
    Ok(())
}
