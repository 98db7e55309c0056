//! Arguments may have the names that an expansion uses inside.
#![deny(warnings)]
use carom::Process;

#[carom::task]
fn add(reader: u8, writer: u8, value_0: u8, value_1: u8, output: u8, f: u8, input: u8, call: u8) -> u8 {
    reader + writer + value_0 + value_1 + output + f + input + call
}

#[carom::task]
fn swap(value_1: u8, value_0: i8) {
    assert_eq!((value_1, value_0), (1, -1));
}

#[carom::main]
fn main() -> carom::Result<()> {
    let _children = 1;
    assert_eq!(add(1, 1, 1, 1, 1, 1, 1, 1), 8);
    assert!(Process::spawn(add, (1, 1, 1, 1, 1, 1, 1, 1))?.join()?.success());
    assert!(Process::spawn(swap, (1, -1))?.join()?.success());
    Ok(())
}
