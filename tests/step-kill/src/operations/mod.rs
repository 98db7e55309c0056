//! What is killed at each instruction: operations of the objects that processes share.

mod barrier;
mod condition;
mod event;
mod lock;
mod pool_parent;
mod pool_worker;
mod rlock;
mod semaphore;
mod subject;
mod survivor;
mod value;
mod victim;

use std::time::Duration;

use carom_step_kill::{Tally, are_steady};

/// Kills at all points of the operations of these objects, or of all objects.
pub(crate) fn count(objects: &[String], tally: &mut Tally) {
    // what is done once in a process is done before: its memory is opened, and its processors are counted
    drop(subject::held().value.lock_timeout(Duration::from_millis(1)));
    macro_rules! count {
        ($($file:ident)*) => {$(
            $file::operations()
                .iter()
                .filter(|operation| is_wanted(objects, operation.object, &[operation.name, operation.state].join(" ")))
                .for_each(|operation| tally.count(operation));
        )*};
    }
    count!(lock value rlock event semaphore condition barrier pool_parent);
    if are_steady() {
        count!(pool_worker);
    } else {
        println!("kill points of workers are not checked: here, their addresses cannot be known");
    }
}

/// Whether `OBJECT` or `OBJECT/WORDS` means what is done to this object, if any are given: with words, for which spaces may be `_`, that are
/// in the text.
pub(crate) fn is_wanted(given: &[String], object: &str, text: &str) -> bool {
    let is_meant = |wanted: &String| {
        let (of, words) = wanted.split_once('/').unwrap_or((wanted, ""));
        of == object && text.contains(&words.replace('_', " "))
    };
    given.is_empty() || given.iter().any(is_meant)
}
