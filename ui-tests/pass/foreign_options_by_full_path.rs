//! The options of a foreign task may be written as on a task of one's own.
#![deny(warnings)]
use carom::Task;

carom::tasks! {
    #[carom::task(retries = 3)]
    std::process::exit as leave(code: i32);
}

fn main() {
    assert_eq!(leave::INFO.retries(), 3);
}
