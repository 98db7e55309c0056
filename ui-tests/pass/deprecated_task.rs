//! A deprecated task is one where that is allowed.
#![deny(warnings)]
#![allow(deprecated)]

#[carom::task]
#[deprecated(note = "use `square`")]
fn sqr(x: u64) -> u64 {
    x * x
}

#[carom::main]
fn main() -> carom::Result<()> {
    assert_eq!(sqr(3), 9);
    assert!(carom::Process::spawn(sqr, 3)?.join()?.success());
    Ok(())
}
