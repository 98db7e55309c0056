//! Tasks inside functions; of two with one name in one module, one needs a name of its own.
#![deny(warnings)]
use carom::{Process, Task};

fn first() -> (u64, &'static str) {
    #[carom::task]
    fn square(x: u64) -> u64 {
        x * x
    }
    (square(3), square::INFO.name())
}

fn second() -> carom::Result<&'static str> {
    #[carom::task(name = "second.square")]
    fn square(x: f64) -> f64 {
        x * x
    }
    assert!(Process::spawn(square, 3.0)?.join()?.success());
    Ok(square::INFO.name())
}

#[carom::main]
fn main() -> carom::Result<()> {
    assert_eq!(first(), (9, concat!(module_path!(), "::square")));
    assert_eq!(second()?, "second.square");
    let in_a_block = {
        #[carom::task]
        fn cube(x: u64) -> u64 {
            x * x * x
        }
        cube(3)
    };
    assert_eq!(in_a_block, 27);
    Ok(())
}
