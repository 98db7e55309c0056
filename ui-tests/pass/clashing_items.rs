//! Tasks, constants and modules may have the names that an expansion uses inside.
#![deny(warnings)]
#![allow(non_upper_case_globals, unused)]
use carom::Process;

const reader: u8 = 1;
static writer: u8 = 1;
const input: u8 = 1;
mod core {}
mod std {}
mod carom_macros {}

#[carom::task]
fn value_0(text: String) -> String {
    text
}

#[carom::task]
fn output(text: String) -> Result<String, u8> {
    Ok(text)
}

#[carom::task]
fn f(text: String) -> usize {
    text.len()
}

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
    assert_eq!((f("text".to_owned()), call("text".to_owned()), prepare("text".to_owned())), (4, 4, 4));
    assert!(Process::spawn(value_0, "text".to_owned())?.join()?.success());
    assert!(Process::spawn(output, "text".to_owned())?.join()?.success());
    for process in [Process::spawn(f, "text".to_owned())?, Process::spawn(call, "text".to_owned())?] {
        assert!(process.join()?.success());
    }
    Ok(())
}
