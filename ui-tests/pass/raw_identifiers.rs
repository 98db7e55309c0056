//! `r#` belongs to the source, not to the name.
#![deny(warnings)]
use carom::{Process, Task};

#[carom::task]
fn r#match(r#type: u8, mut r#fn: u8) -> u8 {
    r#fn += r#type;
    r#fn
}

mod r#mod {
    carom::tasks! {
        pub(super) super::increment as r#loop(r#in: u8) -> u8;
    }
}

fn increment(x: u8) -> u8 {
    x + 1
}

#[carom::main]
fn main() -> carom::Result<()> {
    assert_eq!(r#match(1, 2), 3);
    assert_eq!(r#match::INFO.name(), concat!(module_path!(), "::match"));
    assert_eq!(r#mod::r#loop(1), 2);
    assert!(Process::spawn(r#match, (1, 2))?.join()?.success());
    assert!(Process::spawn(r#mod::r#loop, 1)?.join()?.success());
    Ok(())
}
