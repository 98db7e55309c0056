//! Code that crashes takes its own process with it and nothing else: the parent is told how each ended.
//!
//! ```text
//! cargo run --example crash
//! ```
use std::time::Duration;

use carom::{Process, RemoteError};

/// Writes through a null pointer, as a faulty C library might.
#[carom::task]
fn segfault() {
    // SAFETY: none; this is the fault that the example is about.
    unsafe { std::ptr::null_mut::<u8>().write_volatile(1) };
}

#[carom::task]
fn panic_at(index: usize) -> u8 {
    [1, 2, 3][index]
}

#[carom::task]
fn read(path: String) -> Result<Vec<u8>, RemoteError> {
    Ok(std::fs::read(path)?)
}

#[carom::task]
fn hang() {
    loop {
        std::thread::sleep(Duration::from_secs(60));
    }
}

#[carom::task]
fn leave(code: i32) {
    std::process::exit(code)
}

#[carom::main]
fn main() -> carom::Result<()> {
    let crashes = [
        Process::builder().name("segfault").spawn(segfault, ())?,
        Process::builder().name("panic").spawn(panic_at, 7)?,
        Process::builder().name("error").spawn(read, "/no/such/file".to_owned())?,
        Process::builder().name("exit").spawn(leave, 7)?,
    ];
    let hanging = Process::builder().name("killed").spawn(hang, ())?;
    if hanging.join_timeout(Duration::from_millis(50))?.is_none() {
        hanging.kill()?;
    }
    for process in crashes.iter().chain([&hanging]) {
        println!("{:>8}: {}", process.name(), process.join()?);
    }
    println!("the parent is well");
    Ok(())
}
