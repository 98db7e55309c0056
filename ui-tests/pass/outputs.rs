//! What a task may return: nothing, a value, a `Result` whose error has serde or is a `RemoteError`.
#![deny(warnings)]
use carom::{Process, RemoteError, Task};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Refused {
    Empty,
}

/// Has no `Debug`; the task fails all the same.
#[derive(Serialize, Deserialize)]
struct Silent;

#[carom::task]
fn nothing() -> () {}

#[carom::task]
fn tuple() -> (u8, Vec<u8>) {
    (1, vec![2])
}

#[carom::task]
fn own_error(text: String) -> Result<char, Refused> {
    text.chars().next().ok_or(Refused::Empty)
}

#[carom::task]
fn silent_error(fail: bool) -> Result<(), Silent> {
    if fail { Err(Silent) } else { Ok(()) }
}

#[carom::task]
fn remote_error(path: String) -> Result<u64, RemoteError> {
    Ok(std::fs::metadata(path)?.len())
}

#[carom::task]
fn alias(path: String) -> carom::Result<u64, RemoteError> {
    remote_error(path)
}

fn output_of<T: Task>(_task: T, output: T::Output) -> T::Output {
    output
}

#[carom::main]
fn main() -> carom::Result<()> {
    output_of(nothing, nothing());
    assert_eq!(output_of(tuple, tuple()), (1, vec![2]));
    assert_eq!(output_of(own_error, own_error(String::new())), Err(Refused::Empty));
    assert!(output_of(silent_error, silent_error(false)).is_ok());
    assert!(output_of(alias, alias("/no/such/file".to_owned())).is_err());
    assert!(Process::spawn(nothing, ())?.join()?.success());
    assert!(Process::spawn(own_error, "a".to_owned())?.join()?.success());
    assert!(!Process::spawn(own_error, String::new())?.join()?.success());
    assert!(!Process::spawn(silent_error, true)?.join()?.success());
    assert!(!Process::spawn(remote_error, "/no/such/file".to_owned())?.join()?.success());
    Ok(())
}
