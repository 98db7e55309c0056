//! The call that a thread of a pool's worker runs, and until when it should.
//!
//! It is the thread's: set when the call is entered, and what was before is set again when it is left. So a limit cannot hit the call
//! after the one that it is for, and there is nothing that would have to be taken back in time.

use std::cell::Cell;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

/// The call of a task, as [`current`] tells of it.
///
/// It can be copied, and given to threads that the task starts: they have no call of their own, and nothing that they do is ended by
/// the soft time limit, but they can ask for it here.
#[derive(Clone, Copy, Debug)]
pub struct Current {
    name: Option<&'static str>,
    attempt: u32,
    /// When the soft time limit is over.
    deadline: Option<Instant>,
}

impl Current {
    const NONE: Self = Self { name: None, attempt: 0, deadline: None };

    /// The name of the task; none outside of a call in a pool.
    pub fn name(&self) -> Option<&'static str> {
        self.name
    }

    /// How often the call had been begun before; 0 at first.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Whether the soft time limit has passed. Without one, it never has.
    pub fn soft_limit_exceeded(&self) -> bool {
        self.time_left().is_some_and(|left| left.is_zero())
    }

    /// How long it is to the soft time limit, zero if that has passed; none without one.
    pub fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }
}

thread_local! {
    static CURRENT: Cell<Current> = const { Cell::new(Current::NONE) };
}

/// The call that this thread runs, in a worker of a [`Pool`](crate::Pool). Anywhere else, in a thread that a task has started too,
/// it has no name and no limit.
///
/// ```
/// use std::collections::BTreeSet;
/// use carom::task;
///
/// #[carom::task(soft_timeout = "20s")]
/// fn primes(below: u64) -> BTreeSet<u64> {
///     let mut found = BTreeSet::new();
///     for number in 2..below {
///         if task::current().soft_limit_exceeded() {
///             break; // what there is by now
///         }
///         if found.iter().all(|prime| number % prime != 0) {
///             found.insert(number);
///         }
///     }
///     found
/// }
///
/// // not in a pool
/// assert_eq!(primes(10), BTreeSet::from([2, 3, 5, 7]));
/// assert_eq!(task::current().name(), None);
/// ```
pub fn current() -> Current {
    CURRENT.get()
}

/// When the soft time limit of the call that this thread runs is over, if it has one.
pub(crate) fn soft_deadline() -> Option<Instant> {
    CURRENT.get().deadline
}

/// A call has been entered; dropping this leaves it.
#[must_use = "dropping it leaves the call"]
pub(crate) struct Entered {
    before: Current,
    /// It is this thread that leaves.
    not_send: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.before);
    }
}

/// Makes a call the current one of this thread.
pub(crate) fn enter(task: &'static str, deadline: Option<Instant>, attempt: u32) -> Entered {
    replace(Current { name: Some(task), attempt, deadline })
}

/// Does something that is not to be ended by the soft time limit, because it is carom's own affair, and others rely on it.
pub(crate) fn regardless<R>(call: impl FnOnce() -> R) -> R {
    let _entered = replace(Current { deadline: None, ..current() });
    call()
}

fn replace(current: Current) -> Entered {
    Entered { before: CURRENT.replace(current), not_send: PhantomData }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_a_call_brings_back_the_one_before() {
        assert_eq!(current().name(), None);
        let outer = enter("outer", Some(Instant::now()), 1);
        {
            let _inner = enter("inner", None, 0);
            assert_eq!((current().name(), current().attempt(), current().time_left()), (Some("inner"), 0, None));
        }
        assert_eq!((current().name(), current().attempt()), (Some("outer"), 1));
        assert!(current().soft_limit_exceeded());
        regardless(|| assert!(current().name() == Some("outer") && !current().soft_limit_exceeded()));
        assert!(current().soft_limit_exceeded());
        drop(outer);
        assert!(current().name().is_none() && !current().soft_limit_exceeded());
    }
}
