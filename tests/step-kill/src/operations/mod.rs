//! What is killed at each instruction: operations of the objects that processes share.

mod barrier;
mod condition;
mod event;
mod lock;
mod rlock;
mod semaphore;
mod subject;
mod survivor;
mod value;
mod victim;

use std::time::Duration;

use carom_step_kill::Tally;

/// Kills at all points of the operations of these objects, or of all objects.
pub(crate) fn count(objects: &[String], tally: &mut Tally) {
    // what is done once in a process is done before: its memory is opened, and its processors are counted
    drop(subject::held().value.lock_timeout(Duration::from_millis(1)));
    let is_wanted = |object: &str| objects.is_empty() || objects.iter().any(|wanted| wanted == object);
    macro_rules! count {
        ($($file:ident)*) => {$(
            $file::operations()
                .iter()
                .filter(|operation| is_wanted(operation.object))
                .for_each(|operation| tally.count(operation));
        )*};
    }
    count!(lock value rlock event semaphore condition barrier);
}
