//! A task is used, re-exported and imported as any other item.
#![deny(warnings)]
use carom::{Process, Task};

mod shapes {
    pub mod flat {
        #[carom::task]
        pub fn square(x: u64) -> u64 {
            x * x
        }

        #[carom::task]
        pub(in crate::shapes) fn circle(r: u64) -> u64 {
            3 * super::flat::square(r)
        }
    }

    pub use flat::square;

    #[carom::task]
    pub(super) fn both(x: u64) -> u64 {
        square(x) + flat::circle(x)
    }
}

mod prelude {
    pub use crate::shapes::square;
}

use prelude::square as area;
use shapes::both;

#[carom::main]
fn main() -> carom::Result<()> {
    use prelude::*;
    assert_eq!((square(3), area(3), shapes::flat::square(3), both(3)), (9, 9, 9, 36));
    // one task, whatever it is called
    assert_eq!(area::INFO.name(), concat!(module_path!(), "::shapes::flat::square"));
    assert!(Process::spawn(area, 3)?.join()?.success());
    assert!(Process::spawn(shapes::square, 3)?.join()?.success());
    Ok(())
}
