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

use carom_step_kill::{Operation, Tally, are_steady};

/// Kills at all points of the operations of these objects, or of all objects.
pub(crate) fn count(objects: &[String], tally: &mut Tally) {
    // what is done once in a process is done before: its memory is opened, and its processors are counted
    drop(subject::held().value.lock_timeout(Duration::from_millis(1)));
    macro_rules! count {
        ($($file:ident)*) => {$(
            $file::operations()
                .iter()
                .filter(|operation| objects.is_empty() || objects.iter().any(|wanted| is_meant(wanted, operation)))
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

/// Whether `OBJECT` or `OBJECT/WORDS` means this operation: with words, for which spaces may be `_`, that are in its name and state.
fn is_meant<T>(wanted: &str, operation: &Operation<T>) -> bool {
    let (object, words) = wanted.split_once('/').unwrap_or((wanted, ""));
    let text = format!("{} {}", operation.name, operation.state);
    object == operation.object && text.contains(&words.replace('_', " "))
}
