//! Tasks that several of the tests use.
use std::io::{Read, Write};
use std::time::Duration;

/// Returns at once.
#[carom::task]
pub(crate) fn nothing() {}

/// Never returns.
#[carom::task]
pub(crate) fn forever() {
    loop {
        std::thread::sleep(Duration::from_secs(60));
    }
}

/// Says that it runs, then never returns.
#[carom::task]
pub(crate) fn say_and_stay(word: String) {
    print!("{word}");
    std::io::stdout().flush().expect("flush");
    // a call like any other, also to clippy
    forever();
}

/// Ends when its standard input does.
#[carom::task]
pub(crate) fn until_end_of_input() {
    std::io::stdin().read_to_end(&mut Vec::new()).expect("read");
}

/// Calls `std::process::exit`.
#[carom::task]
pub(crate) fn exit_with(code: i32) {
    std::process::exit(code)
}
