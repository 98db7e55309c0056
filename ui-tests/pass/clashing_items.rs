//! Tasks, constants and modules may have the names that an expansion uses inside.
#![deny(warnings)]
#![allow(non_upper_case_globals, unused)]
use carom::Process;

const input: u8 = 1;
mod core {}
mod std {}
mod carom_macros {}

#[carom::task]
fn call(text: String) -> usize {
    text.len()
}

#[carom::task]
fn prepare(text: String) -> usize {
    text.len()
}

#[carom::task]
fn encode() {}

#[carom::task]
fn deref() {}

#[carom::task]
fn task() {}

#[carom::main]
fn main() -> ::carom::Result<()> {
    assert_eq!((call("text".to_owned()), prepare("text".to_owned())), (4, 4));
    assert!(Process::spawn(call, "text".to_owned())?.join()?.success());
    assert!(Process::spawn(prepare, "text".to_owned())?.join()?.success());
    Ok(())
}
