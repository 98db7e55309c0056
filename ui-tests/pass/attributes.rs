//! Attributes of a task stay where they have an effect.
#![deny(warnings)]
#![deny(missing_docs, unused, non_snake_case)]
use carom::Process;

/// Has documentation, as the lint wants.
#[carom::task]
#[doc(alias = "sqr")]
#[inline]
pub fn square(#[allow(unused_variables)] x: u64) -> u64 {
    9
}

#[carom::task]
#[allow(unused_variables)]
fn ignore(x: u64) {}

#[carom::task]
#[expect(unused_variables, reason = "nothing to see here")]
fn expect(x: u64) {}

#[carom::task]
#[allow(non_snake_case)]
fn Square(Side: u64) -> u64 {
    Side * Side
}

#[carom::task]
#[cfg_attr(all(), doc = "Is documented by condition.", allow(unused_variables))]
#[cfg_attr(any(), doc(no_such_attribute), no_such_macro)]
#[cold]
#[track_caller]
pub fn conditional(x: u64) {}

#[carom::main]
#[allow(unused_variables)]
fn main() -> carom::Result<()> {
    let unused = 1;
    assert_eq!((square(3), Square(3)), (9, 9));
    ignore(1);
    expect(1);
    conditional(1);
    assert!(Process::spawn(square, 3)?.join()?.success());
    Ok(())
}
