//! `main` may return whatever the standard library takes from it, and end early.
#![deny(warnings)]
use std::process::ExitCode;

#[carom::task]
fn square(x: u64) -> u64 {
    x * x
}

/// Is documented.
#[carom::main]
#[inline(never)]
pub fn main() -> ExitCode {
    if square(3) == 9 {
        return ExitCode::SUCCESS;
    }
    ExitCode::FAILURE
}
