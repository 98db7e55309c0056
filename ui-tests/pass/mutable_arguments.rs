//! `mut` belongs to the function, not to the signature that callers see.
#![deny(warnings)]
use carom::Process;

#[carom::task]
fn countdown(mut from: u32, mut line: String) -> String {
    while from > 0 {
        line.push('.');
        from -= 1;
    }
    assert_eq!(line, "go...");
    line
}

#[carom::main]
fn main() -> carom::Result<()> {
    assert_eq!(countdown(3, "go".to_owned()), "go...");
    assert!(Process::spawn(countdown, (3, "go".to_owned()))?.join()?.success());
    Ok(())
}
