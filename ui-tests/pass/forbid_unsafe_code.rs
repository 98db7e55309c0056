//! A program may forbid unsafe code and unused items, though an expansion has both.
#![deny(warnings)]
#![forbid(unsafe_code, unused)]

#[carom::task]
fn square(x: u64) -> u64 {
    x * x
}

#[carom::main]
fn main() -> carom::Result<()> {
    assert!(carom::Process::spawn(square, 3)?.join()?.success());
    Ok(())
}
