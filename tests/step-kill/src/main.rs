//! Kills a process after each instruction of what it does with a `Lock` or a `Value`; see the library for how.
//!
//! `cargo run --release -p carom-step-kill`; it says what it found, and ends with 1 if that is a fault.

#[cfg(target_arch = "x86_64")]
mod operations;

#[cfg(target_arch = "x86_64")]
fn main() -> std::process::ExitCode {
    operations::all()
}

#[cfg(not(target_arch = "x86_64"))]
fn main() {
    println!("not checked: step-kill is for x86-64");
}
