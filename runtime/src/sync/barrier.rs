//! Parties that wait for each other; what a round is, is in `raw::rounds`.
//!
//! Whatever changes a round does so under the lock of the object. A process that ends while it holds that has broken the round,
//! as one that ends while it waits.

use std::fmt::{Debug, Formatter};
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::error::BrokenBarrier;
use super::sleep::{Deadline, EVERY};
use super::state::{self, Damage, Held};
use super::words::{Words, handle};
use crate::memory::MemoryError;
use crate::raw::rounds::{Arrived, Outcome, Refusal, Round, Rounds, SLOTS};
use crate::sys::{clock, futex, incarnation};

/// Lets a number of parties, which are processes or threads, wait for each other, again and again.
///
/// It goes to other processes as a [`Lock`](crate::Lock) does. A process that dies while it waits breaks the barrier for the others,
/// within half a second, as does one that waits for too long, or panics in what it does for all. A broken barrier stays so
/// until it is [reset](Self::reset). A round to which all have come is over, also if one of them was killed meanwhile: then it is the
/// next one that is broken. (A process that dies while it does not wait is not known as a party: those who wait for it do so
/// until their time is over. One that replaces its program by `exec`
/// while it waits counts as one that waits, until it ends.)
///
/// In a task of a pool, who waits at it unwinds at the task's [soft time limit](mod@crate::task#soft-time-limits), and breaks the barrier as
/// one that waits for too long.
///
/// ```standalone_crate
/// use carom::{Barrier, Process};
///
/// #[carom::task]
/// fn work(meet: Barrier) -> Result<(), carom::BrokenBarrier> {
///     for _ in 0..3 {
///         // what all do at the same time, and then:
///         meet.wait()?;
///     }
///     Ok(())
/// }
///
/// #[carom::main]
/// fn main() -> carom::Result<()> {
///     let meet = Barrier::new(2)?;
///     let other = Process::spawn(work, meet.clone())?;
///     for round in 0..3 {
///         meet.wait_with(|| println!("round {round}"))?;
///     }
///     other.join()?.exit_ok()?;
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Barrier {
    words: Words<Round, AtomicU64>,
}

impl Barrier {
    /// For so many parties.
    ///
    /// # Errors
    /// If there is no memory for it.
    ///
    /// # Panics
    /// If there are no parties.
    #[track_caller]
    pub fn new(parties: u32) -> Result<Self, MemoryError> {
        assert!(parties > 0, "a barrier needs a party");
        Ok(Self { words: Words::create("carom::Barrier", SLOTS * parties as usize)? })
    }

    /// The same, where those who do not say for how long they wait do so for `timeout`.
    ///
    /// # Errors
    /// If there is no memory for it.
    ///
    /// # Panics
    /// If there are no parties.
    #[track_caller]
    pub fn with_timeout(parties: u32, timeout: Duration) -> Result<Self, MemoryError> {
        let barrier = Self::new(parties)?;
        let timeout = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        // zero is for ever
        barrier.words.head().patience.store(timeout.max(1), Relaxed);
        Ok(barrier)
    }

    fn rounds(&self) -> Rounds<'_> {
        Rounds { round: self.words.head(), slots: self.words.slots() }
    }

    /// Waits until all parties do; how many had come before, a different number for each of them.
    ///
    /// # Errors
    /// [`BrokenBarrier`] if the round is broken, or was before.
    pub fn wait(&self) -> Result<u32, BrokenBarrier> {
        self.meet(self.patience(), || {})
    }

    /// The same, but if others have not come when `timeout` is over, it breaks the round. Time is told by the clock that is never set.
    ///
    /// # Errors
    /// As for [`wait`](Self::wait); [`BrokenBarrier::TimedOut`] if the time was over.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<u32, BrokenBarrier> {
        self.meet(Deadline::after(timeout), || {})
    }

    /// Waits, and if this party is the last one, does something before any of them goes on.
    ///
    /// If it panics, so does this; for the others, the round is broken.
    ///
    /// # Errors
    /// As for [`wait`](Self::wait), also if the round was broken while it was done.
    pub fn wait_with(&self, action: impl FnOnce()) -> Result<u32, BrokenBarrier> {
        self.meet(self.patience(), action)
    }

    /// Breaks the round: those who wait, and those who come, are told, until the barrier is reset.
    pub fn abort(&self) {
        self.break_up(&self.enter(), Why::Aborted);
    }

    /// Begins a new round. Those who wait are told that theirs is broken; a barrier that is broken is whole again.
    pub fn reset(&self) {
        let held = self.enter();
        self.rounds().reset();
        drop(held);
        self.wake();
    }

    /// How many parties there are.
    pub fn parties(&self) -> u32 {
        (self.words.slots().len() / SLOTS) as u32
    }

    /// How many wait at this instant.
    pub fn n_waiting(&self) -> u32 {
        self.rounds().waiting().count() as u32
    }

    /// The processes that wait at this instant, each as often as it does. One that has just ended may be among them.
    pub fn waiting(&self) -> Vec<u32> {
        self.rounds().waiting().map(incarnation::pid).collect()
    }

    /// Whether it is broken.
    #[doc(alias = "broken")]
    pub fn is_broken(&self) -> bool {
        self.rounds().is_broken()
    }

    fn patience(&self) -> Deadline {
        let patience = NonZeroU64::new(self.words.head().patience.load(Relaxed));
        patience.map_or(Deadline::NEVER, |patience| Deadline::after(Duration::from_nanos(patience.get())))
    }

    /// Takes the lock, from one who died as from anybody; but that breaks the round.
    fn enter(&self) -> Held<'_> {
        let mut held = state::lock_regardless(self.words.lock());
        if let Some(damage) = held.damage() {
            let pid = match damage {
                Damage::Died { pid } | Damage::Panicked { pid } | Damage::Invalid { pid } => pid,
            };
            self.break_up(&held, Why::Died(pid.unwrap_or(0)));
            held.repaired();
        }
        held
    }

    fn break_up(&self, _: &Held<'_>, why: Why) {
        self.rounds().break_up(why.into());
        self.wake();
    }

    /// Wakes all who wait.
    fn wake(&self) {
        futex::wake_all(&self.words.head().word);
    }

    fn meet(&self, deadline: Deadline, action: impl FnOnce()) -> Result<u32, BrokenBarrier> {
        let arrived = self.arrive(deadline)?;
        if self.rounds().is_last(arrived) {
            let broken = BrokenByPanic(self, arrived);
            action();
            std::mem::forget(broken);
            let held = self.enter();
            let outcome = self.rounds().end(arrived);
            drop(held);
            self.wake();
            return self.told(outcome, arrived);
        }
        loop {
            match self.rounds().look(arrived) {
                Outcome::Pending => {}
                outcome => return self.told(outcome, arrived),
            }
            let Some(nap) = deadline.nap() else {
                return self.time_out(arrived, deadline);
            };
            if !futex::wait(&self.words.head().word, arrived.word, nap) {
                self.look_for_the_dead(arrived.word);
            }
        }
    }

    fn arrive(&self, deadline: Deadline) -> Result<Arrived, BrokenBarrier> {
        loop {
            let held = self.enter();
            match self.rounds().arrive(incarnation::own()) {
                Ok(arrived) => return Ok(arrived),
                Err(Refusal::Broken(why)) => return Err(Why::of(why).told()),
                Err(Refusal::Full(word)) => {
                    // as many as there are parties are here, and one of them still does something for all
                    drop(held);
                    let Some(nap) = deadline.nap() else {
                        deadline.end();
                        return Err(BrokenBarrier::TimedOut);
                    };
                    if !futex::wait(&self.words.head().word, word, nap) {
                        // there may be nobody left in that round who would
                        self.look_for_the_dead(word);
                    }
                }
            }
        }
    }

    fn time_out(&self, arrived: Arrived, deadline: Deadline) -> Result<u32, BrokenBarrier> {
        let held = self.enter();
        let outcome = self.rounds().look(arrived);
        if outcome == Outcome::Pending {
            self.break_up(&held, Why::TimedOut);
            drop(held);
            deadline.end();
            return Err(BrokenBarrier::TimedOut);
        }
        self.told(outcome, arrived)
    }

    fn told(&self, outcome: Outcome, arrived: Arrived) -> Result<u32, BrokenBarrier> {
        match outcome {
            Outcome::Over => {
                self.rounds().leave(arrived);
                Ok(arrived.index as u32)
            }
            Outcome::Broken(why) => Err(Why::of(why).told()),
            // `Pending` cannot be, because who asks has waited until it is not
            Outcome::Reset | Outcome::Pending => Err(BrokenBarrier::Reset),
        }
    }

    /// Looks whether one of those who wait has ended, or one that should be there and never left the round before, if nobody has for a while; `word` is that of their round.
    #[cold]
    fn look_for_the_dead(&self, word: u32) {
        if !self.words.head().looked.is_due(clock::milliseconds(), EVERY) {
            return;
        }
        let expected = self.rounds().waiting().chain(self.rounds().not_left());
        let dead = expected.into_iter().find(|who| incarnation::has_ended(*who));
        // which also finds one that ended when it had just come
        let held = self.enter();
        // it is one of this round only if that is not over
        if let Some(dead) = dead
            && self.words.head().word.load(Relaxed) == word
        {
            self.break_up(&held, Why::Died(incarnation::pid(dead)));
        }
    }
}

/// Breaks the round if it is dropped.
struct BrokenByPanic<'a>(&'a Barrier, Arrived);

impl Drop for BrokenByPanic<'_> {
    fn drop(&mut self) {
        let Self(barrier, arrived) = self;
        let held = barrier.enter();
        if barrier.rounds().look(*arrived) == Outcome::Pending {
            barrier.break_up(&held, Why::Panicked(std::process::id()));
        }
    }
}

/// Why a round was broken, as it is noted in shared memory.
#[derive(Clone, Copy)]
enum Why {
    Aborted,
    TimedOut,
    /// Which process, or 0.
    Died(u32),
    Panicked(u32),
}

impl From<Why> for u64 {
    fn from(why: Why) -> Self {
        match why {
            Why::Aborted => 0,
            Why::TimedOut => 1 << 32,
            Why::Died(pid) => 2 << 32 | Self::from(pid),
            Why::Panicked(pid) => 3 << 32 | Self::from(pid),
        }
    }
}

impl Why {
    fn of(word: u64) -> Self {
        match word >> 32 {
            1 => Self::TimedOut,
            2 => Self::Died(word as u32),
            3 => Self::Panicked(word as u32),
            _ => Self::Aborted,
        }
    }

    fn told(self) -> BrokenBarrier {
        match self {
            Self::Aborted => BrokenBarrier::Aborted,
            Self::TimedOut => BrokenBarrier::TimedOut,
            Self::Died(pid) => BrokenBarrier::Died { pid: Some(pid).filter(|pid| *pid != 0) },
            Self::Panicked(pid) => BrokenBarrier::Panicked { pid },
        }
    }
}

impl Debug for Barrier {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("Barrier");
        debug.field("parties", &self.parties()).field("waiting", &self.waiting());
        debug.field("is_broken", &self.is_broken()).finish()
    }
}

handle!(Barrier, "carom::Barrier", "a `Barrier`");
