//! `#[carom::main]` may stand on a function that `main` calls first.
#![deny(warnings)]

#[carom::task]
fn square(x: u64) -> u64 {
    x * x
}

mod program {
    #[carom::main]
    pub(crate) fn run() -> carom::Result<&'static str> {
        assert!(carom::Process::spawn(super::square, 3)?.join()?.success());
        Ok("done")
    }
}

fn main() {
    assert_eq!(program::run().expect("run"), "done");
}
