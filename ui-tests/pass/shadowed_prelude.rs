//! The expansion means the items and methods of the standard library and of carom, whatever their names mean in
//! the program.
#![deny(warnings)]
#![allow(dead_code, unused_macros)]

struct Result;
struct Option;
struct Box;
struct Some;
struct None;
struct Vec;
struct String;
struct Ok;
struct Err;
trait Clone {}
trait Copy {}
trait Deref {}
trait Debug {}
trait Send {}
trait FnOnce {}
trait Task {}
struct TaskInfo;
struct Duration;
#[allow(non_camel_case_types)]
struct str;

macro_rules! concat {
    () => {};
}
macro_rules! module_path {
    () => {};
}
macro_rules! file {
    () => {};
}

/// Methods of all types, under the names that the expansion calls.
trait Everything {
    fn failure(&self) -> u8 {
        1
    }
    fn encode(&self) -> u8 {
        2
    }
    fn decode(&self) -> u8 {
        3
    }
    fn name(&self) -> u8 {
        4
    }
    fn call(&self) -> u8 {
        5
    }
    fn prepare(&self) -> u8 {
        6
    }
}
impl<T> Everything for T {}

#[carom::task(name = "shadowed", timeout = "5s")]
fn divide(a: u64, b: u64) -> ::std::result::Result<u64, ::std::string::String> {
    match a.checked_div(b) {
        ::std::option::Option::Some(quotient) => ::std::result::Result::Ok(quotient),
        ::std::option::Option::None => ::std::result::Result::Err(::std::string::String::from("zero")),
    }
}

#[carom::task]
fn nothing() {
    assert_eq!((1.failure(), 1.encode(), 1.decode(), 1.name(), 1.call(), 1.prepare()), (1, 2, 3, 4, 5, 6));
}

#[carom::main]
fn main() -> ::carom::Result<()> {
    nothing();
    assert_eq!(divide(6, 2), ::std::result::Result::Ok(3));
    assert_eq!(::std::format!("{divide:?}"), "shadowed");
    assert!(carom::Process::spawn(nothing, ())?.join()?.success());
    assert!(carom::Process::spawn(divide, (6, 2))?.join()?.success());
    assert!(!carom::Process::spawn(divide, (6, 0))?.join()?.success());
    ::std::result::Result::Ok(())
}
