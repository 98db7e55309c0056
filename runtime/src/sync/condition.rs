//! Waiting for something that others change under a lock; who waits, and who is notified, is in `raw::waiters`.
//!
//! Whoever waits sleeps on a word of its own. It gives up its place only when it has the lock again: so what was given to one that
//! is killed before is still there to be passed on, and of one that is killed after, the next holder of the lock is told. That may
//! be nobody, if all others wait here; so they look whether the lock was left, and then take it as if they were notified.

use std::fmt::{Debug, Formatter};
use std::time::Duration;

use super::error::OwnerDied;
use super::sleep::{Deadline, EVERY};
use super::state;
use super::words::{Words, handle};
use crate::memory::MemoryError;
use crate::raw::waiters::{Line, Place, Waiters, Waiting};
use crate::sys::{clock, futex, incarnation};

/// Lets processes wait for what others do under a lock: that of a [`Value`](crate::Value) or an [`Array`](crate::Array), a
/// [`Lock`](crate::Lock), or an [`RLock`](crate::RLock).
///
/// Who waits hands in its guard, which shows that it holds the lock, and gets it back: the lock is released while it waits. It goes
/// to other processes as a `Lock` does. All who wait at a condition should hold the same lock; one lock can have several conditions.
///
/// No wait returns before it is notified, but for a process that dies while it notifies others, and where more than 256 threads
/// wait at one condition: what is waited for has to be looked at again, and [`wait_for`](Self::wait_for) does.
///
/// Processes that are killed while they wait leave nothing (one that replaces its program by `exec` meanwhile waits until it ends): a notification that one of them was given is passed on, within half
/// a second, to who has waited for longest of those who waited then. When a process dies or panics while it holds the lock, all who
/// wait go on as well, and are told of it by [`OwnerDied`] until somebody has repaired what the lock protects: perhaps
/// nobody is left to notify them.
///
/// In a task of a pool, who waits at it unwinds at the task's [soft time limit](mod@crate::task#soft-time-limits). It has the lock again then,
/// for which it may wait longer than that; the unwinding drops it, and so the next one, and all who wait, are told as of a panic. A
/// notification goes to another one, unless it came in time.
///
/// ```standalone_crate
/// use carom::{Condition, Process, Value};
///
/// #[carom::task]
/// fn finish(done: Value<u32>, changed: Condition) -> Result<(), carom::RemoteError> {
///     *done.lock()? += 1;
///     changed.notify(1);
///     Ok(())
/// }
///
/// #[carom::main]
/// fn main() -> carom::Result<()> {
///     let (done, changed) = (Value::new(0)?, Condition::new()?);
///     let start = |_| Process::spawn(finish, (done.clone(), changed.clone()));
///     let processes = (0..3).map(start).collect::<Result<Vec<_>, _>>()?;
///     let guard = changed.wait_for(done.lock()?, |done| **done == 3)?;
///     assert_eq!(*guard, 3);
///     drop(guard);
///     processes.into_iter().try_for_each(|process| Ok(process.join()?.exit_ok()?))
/// }
/// ```
#[derive(Clone)]
pub struct Condition {
    words: Words<Line, Place>,
}

/// So many can wait at once and be told apart.
const PLACES: usize = 256;
/// For how long those sleep for whom there is no place.
const WITHOUT_PLACE: Duration = Duration::from_millis(10);

impl Condition {
    /// Nobody waits there.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn new() -> Result<Self, MemoryError> {
        Ok(Self { words: Words::create("carom::Condition", PLACES)? })
    }

    fn waiters(&self) -> Waiters<'_> {
        Waiters { line: self.words.head(), places: self.words.slots() }
    }

    /// Releases the lock, waits until it is notified, and takes the lock again. An `RLock` is released wholly, and taken again
    /// as often as it was.
    ///
    /// # Errors
    /// [`OwnerDied`], which holds the lock, if whoever held it before ended or panicked.
    pub fn wait<G: Relock>(&self, guard: G) -> Result<G, OwnerDied<G>> {
        self.wait_until(guard, Deadline::NEVER).1
    }

    /// The same, but waits no longer than `timeout` to be notified; whether it was. Time is told by the clock that is never set. To take
    /// the lock again may take longer.
    ///
    /// # Errors
    /// As for [`wait`](Self::wait).
    pub fn wait_timeout<G: Relock>(&self, guard: G, timeout: Duration) -> Result<(G, bool), OwnerDied<G>> {
        let (notified, guard) = self.wait_until(guard, Deadline::after(timeout));
        Ok((guard?, notified))
    }

    /// Waits, again and again, until `ready` is true of the guard.
    ///
    /// # Errors
    /// As for [`wait`](Self::wait). Then `ready` need not be true: to go on with the guard in the error is to look again, and to wait
    /// again.
    pub fn wait_for<G: Relock>(&self, mut guard: G, mut ready: impl FnMut(&mut G) -> bool) -> Result<G, OwnerDied<G>> {
        while !ready(&mut guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// The same, but waits no longer than `timeout` in all to be notified; what `ready` said last. To take the lock again may take longer.
    ///
    /// # Errors
    /// As for [`wait_for`](Self::wait_for).
    pub fn wait_for_timeout<G: Relock>(
        &self,
        mut guard: G,
        timeout: Duration,
        mut ready: impl FnMut(&mut G) -> bool,
    ) -> Result<(G, bool), OwnerDied<G>> {
        let deadline = Deadline::after(timeout);
        loop {
            if ready(&mut guard) {
                return Ok((guard, true));
            }
            if deadline.nap().is_none() {
                deadline.end();
                return Ok((guard, false));
            }
            guard = self.wait_until(guard, deadline).1?;
        }
    }

    /// Wakes so many of those who wait, who have waited for longest; fewer if fewer wait. Does not block, and takes no lock: it can be
    /// called with the lock held or without.
    pub fn notify(&self, waiters: u32) {
        for _ in 0..waiters {
            let Some(place) = self.waiters().notify() else { break };
            self.wake(place);
        }
    }

    /// Wakes all who wait.
    pub fn notify_all(&self) {
        self.waiters().notify_all(|place| self.wake(place));
    }

    /// The processes that wait at this instant, each as often as it does. One that has just ended may be among them.
    pub fn waiting(&self) -> Vec<u32> {
        self.look();
        self.waiters().waiting().map(incarnation::pid).collect()
    }

    fn wake(&self, place: usize) {
        futex::wake_one(&self.words.slots()[place].state);
    }

    /// Whether it was notified, and the lock, taken again. At the soft limit, the unwinding drops that: so it is marked.
    fn wait_until<G: Relock>(&self, guard: G, deadline: Deadline) -> (bool, Result<G, OwnerDied<G>>) {
        let (notified, guard) = self.wait_in_place(guard, deadline);
        if !notified {
            deadline.end();
        }
        (notified, guard)
    }

    fn wait_in_place<G: Relock>(&self, guard: G, deadline: Deadline) -> (bool, Result<G, OwnerDied<G>>) {
        let me = incarnation::own();
        let waiting = self.waiters().come(me).or_else(|| {
            self.look();
            self.waiters().come(me)
        });
        let lock = guard.unlock(Key(()));
        let Some(waiting) = waiting else {
            let nap = deadline.nap().unwrap_or_default();
            std::thread::sleep(nap.min(WITHOUT_PLACE));
            return (deadline.nap().is_some(), G::relock(lock, Key(())));
        };
        let notified = self.sleep(waiting, deadline, || G::is_left(&lock, Key(())));
        let guard = G::relock(lock, Key(()));
        if notified {
            self.waiters().leave(waiting);
        }
        (notified, guard)
    }

    /// Whether it was notified in time, or `is_left` said that the lock was; if not, it has left.
    fn sleep(&self, mut waiting: Waiting, deadline: Deadline, is_left: impl Fn() -> bool) -> bool {
        while !self.waiters().is_notified(waiting) {
            let Some(nap) = deadline.nap() else {
                return !self.waiters().give_up(waiting);
            };
            if !futex::wait(&self.words.slots()[waiting.place].state, waiting.word, nap) {
                self.look();
                waiting = self.waiters().renew(waiting);
                if is_left() {
                    return true;
                }
            }
        }
        true
    }

    /// Looks for waiters that have ended, if nobody has for a while.
    #[cold]
    fn look(&self) {
        if !self.words.head().looked.is_due(clock::milliseconds(), EVERY) {
            return;
        }
        // who does so now need not be helped
        if let Some(_alone) = state::try_lock(self.words.lock()) {
            let wake = |place| self.wake(place);
            self.waiters().pass_on(incarnation::own(), incarnation::has_ended, wake);
        }
    }
}

/// Guards of locks that can be released for a while: those of [`Lock`](crate::Lock), [`RLock`](crate::RLock),
/// [`Value`](crate::Value) and [`Array`](crate::Array).
#[diagnostic::on_unimplemented(
    message = "a condition waits with the guard of a lock, and `{Self}` is none",
    label = "not the guard of a `Lock`, an `RLock`, a `Value` or an `Array`",
    note = "hand in the guard itself, which `lock()?` gives, and go on with the one that comes back: `guard = condition.wait(guard)?`"
)]
pub trait Relock: Sized {
    #[doc(hidden)]
    type Lock;

    #[doc(hidden)]
    fn unlock(self, key: Key) -> Self::Lock;

    /// Whether its holder has ended or panicked, so that the next one is told.
    #[doc(hidden)]
    fn is_left(lock: &Self::Lock, key: Key) -> bool;

    #[doc(hidden)]
    fn relock(lock: Self::Lock, key: Key) -> Result<Self, OwnerDied<Self>>;
}

/// Only a condition has it: in other hands, the parts of one guard could be put together with those of another one, and a guard of a
/// user's own could keep its place when it panics.
#[derive(Clone, Copy)]
pub struct Key(());

impl Debug for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Condition").field("waiting", &self.waiting()).finish()
    }
}

handle!(Condition, "carom::Condition", "a `Condition`");

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::SeqCst;

    use super::*;
    use crate::Lock;

    /// As if so many had waited meanwhile, and given up.
    #[test]
    fn who_has_waited_for_long_is_notified_though_tickets_start_again() -> crate::Result<()> {
        let (lock, changed) = (Lock::new()?, Condition::new()?);
        let tickets = &changed.words.head().tickets;
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| changed.wait(lock.lock().expect("whole")).is_ok());
            while changed.waiting().is_empty() {
                std::thread::yield_now();
            }
            let state = &changed.words.slots()[0].state;
            for _ in 0..6 {
                let before = state.load(SeqCst);
                tickets.fetch_add((1 << 30) + 64, SeqCst);
                // it looks by itself
                while state.load(SeqCst) == before {
                    std::thread::yield_now();
                }
            }
            changed.notify(1);
            assert!(waiter.join().expect("no panic"));
        });
        Ok(())
    }
}
