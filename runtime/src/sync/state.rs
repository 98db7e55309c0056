//! The state of a lock, over the head of an object.
//!
//! | `owner` | `damage` | |
//! | --- | --- | --- |
//! | 0 | 0 | free, and what it protects is whole |
//! | pid | 0 | held |
//! | pid, while the mutex says that its holder has ended | 0 | the next one to lock it is told |
//! | pid or 0 | pid, with a bit for a panic | what it protects may be half-changed, until one who was told of it has said that it is repaired |

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{available_parallelism, panicking};
use std::time::{Duration, Instant};

use super::sleep::Deadline;
use crate::memory::Head;
use crate::sys::mutex::Outcome;
use crate::sys::this_process;

/// In `damage`: the holder did not end, but panicked.
const PANICKED: u32 = 1 << 31;
/// In `damage`: which process it was, if that is not known.
const UNKNOWN: u32 = PANICKED - 1;

/// How many locks a thread may hold. The kernel passes on 2,048 of one that dies, and the others never.
const MOST: u32 = 1024;

thread_local! {
    /// How many locks this thread holds.
    static COUNT: Cell<u32> = const { Cell::new(0) };
}

/// Why what a lock protects may be half-changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    /// The process, or the thread, that held the lock ended.
    Died { pid: Option<u32> },
    /// The thread that held the lock panicked, in this process.
    Panicked { pid: Option<u32> },
    /// The bytes are no value of the type.
    Invalid { pid: Option<u32> },
}

/// A lock that is held by this thread; dropping it unlocks.
pub(crate) struct Held<'a> {
    head: &'a Head,
    /// What `damage` was, and the flags below: one word, which is moved about in a register.
    state: u64,
    /// A mutex is unlocked by the thread that locked it.
    not_send: PhantomData<*const ()>,
}

/// In `state`: damage is over when the lock is released.
const REPAIRED: u64 = 1 << 32;
/// In `state`: the thread was panicking when it took the lock.
const PANICKING: u64 = 1 << 33;
/// In `state`, from this bit on: the process that took the lock.
const TAKER: u32 = 40;

/// Waits for the lock; unwinds at the soft time limit of the task's call that this thread runs.
///
/// # Panics
/// If this thread holds it, or too many others.
#[inline]
#[track_caller]
pub(crate) fn lock(head: &Head) -> Held<'_> {
    check_count();
    match head.mutex.try_lock() {
        Outcome::Locked => held(head),
        other => limited(head, other, Deadline::NEVER).unwrap_or_else(|| deadlock()),
    }
}

/// Waits for the lock, whatever the limit: for those who take it again, or have to change something under it.
///
/// # Panics
/// If this thread holds it, or too many others.
#[inline]
#[track_caller]
pub(crate) fn lock_regardless(head: &Head) -> Held<'_> {
    check_count();
    match head.mutex.try_lock() {
        Outcome::Locked => held(head),
        other => waited(head, other, None).unwrap_or_else(|| deadlock()),
    }
}

/// # Panics
/// If this thread holds too many others.
#[inline]
#[track_caller]
pub(crate) fn try_lock(head: &Head) -> Option<Held<'_>> {
    check_count();
    match head.mutex.try_lock() {
        Outcome::Locked => Some(held(head)),
        Outcome::OwnerDied => Some(orphaned(head)),
        Outcome::Busy | Outcome::Deadlock => None,
    }
}

/// Waits for the lock, but not for longer than `timeout`; unwinds at the soft limit, if that comes before.
///
/// # Panics
/// If this thread holds it, or too many others.
#[track_caller]
pub(crate) fn lock_timeout(head: &Head, timeout: Duration) -> Option<Held<'_>> {
    check_count();
    match head.mutex.try_lock() {
        Outcome::Locked => Some(held(head)),
        other => limited(head, other, Deadline::after(timeout)),
    }
}

/// Waits for the lock, but not for longer than `nap`; the caller sees to the soft limit.
///
/// # Panics
/// If this thread holds it, or too many others.
#[track_caller]
pub(super) fn lock_within(head: &Head, nap: Duration) -> Option<Held<'_>> {
    check_count();
    match head.mutex.try_lock() {
        Outcome::Locked => Some(held(head)),
        other => waited(head, other, Instant::now().checked_add(nap)),
    }
}

/// As [`waited`], and unwinds if it is for the soft limit that there is none.
#[cold]
#[track_caller]
fn limited(head: &Head, outcome: Outcome, deadline: Deadline) -> Option<Held<'_>> {
    let held = waited(head, outcome, deadline.instant());
    if held.is_none() {
        deadline.end();
    }
    held
}

/// Waits, after the mutex was not simply free; none if it is not by the deadline.
#[cold]
#[track_caller]
fn waited(head: &Head, mut outcome: Outcome, deadline: Option<Instant>) -> Option<Held<'_>> {
    if outcome == Outcome::Busy {
        outcome = spin(head);
    }
    if outcome == Outcome::Busy {
        outcome = deadline.map_or_else(|| head.mutex.lock(), |deadline| head.mutex.lock_until(deadline));
    }
    match outcome {
        Outcome::Locked => Some(held(head)),
        Outcome::OwnerDied => Some(orphaned(head)),
        Outcome::Busy => None,
        Outcome::Deadlock => deadlock(),
    }
}

/// How often a waiter looks whether the lock is free before it sleeps, and how many pauses (of 10 to 50 ns) are between. To
/// look takes the memory away from the holder's processor: with short pauses, two processes that lock and unlock all the time did
/// 12 to 22 million operations a second, with these 36 million, and without any 12 million.
const LOOKS: u32 = 8;
const PAUSES: u32 = 64;

/// Waits a while for the holder to release the lock, because to sleep and be woken takes much longer than most locks are held.
fn spin(head: &Head) -> Outcome {
    static ALONE: OnceLock<bool> = OnceLock::new();
    // with one processor, the holder does nothing in the meantime
    if *ALONE.get_or_init(|| available_parallelism().is_ok_and(|cpus| cpus.get() == 1)) {
        return Outcome::Busy;
    }
    for _ in 0..LOOKS {
        (0..PAUSES).for_each(|_| std::hint::spin_loop());
        // it says so before the mutex does
        if head.owner.load(Relaxed) == 0 {
            match head.mutex.try_lock() {
                Outcome::Busy => {}
                outcome => return outcome,
            }
        }
    }
    Outcome::Busy
}

/// Which process holds the lock, or held it when it ended.
pub(crate) fn owner(head: &Head) -> Option<u32> {
    Some(head.owner.load(Relaxed)).filter(|pid| *pid != 0)
}

/// Whether the next one to take the lock is told of somebody who ended or panicked, as far as can be seen without taking it: who did
/// that, and were killed, would be one more.
pub(crate) fn is_left(head: &Head) -> bool {
    head.damage.load(Relaxed) != 0 || head.mutex.is_left()
}

/// How often a holder of the lock has ended; what it protects may have become invalid each time.
pub(crate) fn deaths(head: &Head) -> u32 {
    head.deaths.load(Relaxed)
}

#[inline]
#[track_caller]
fn check_count() {
    if COUNT.get() >= MOST {
        too_many();
    }
}

#[cold]
#[track_caller]
fn too_many() -> ! {
    panic!("this thread holds {MOST} locks, and if it died with more, not all of them would be passed on")
}

#[inline]
fn held(head: &Head) -> Held<'_> {
    COUNT.set(COUNT.get() + 1);
    let taker = this_process::pid();
    head.owner.store(taker, Relaxed);
    let panicking = if panicking() { PANICKING } else { 0 };
    let state = u64::from(head.damage.load(Relaxed)) | panicking | u64::from(taker) << TAKER;
    Held { head, state, not_send: PhantomData }
}

/// The lock of one who has ended.
#[cold]
fn orphaned(head: &Head) -> Held<'_> {
    let died = owner(head).unwrap_or(UNKNOWN);
    // in this order: if this process is killed here, the next one is told as this one was
    head.deaths.fetch_add(1, Relaxed);
    head.damage.store(died, Relaxed);
    held(head)
}

#[cold]
fn told(damage: u32) -> Damage {
    let pid = Some(damage & !PANICKED).filter(|pid| *pid != UNKNOWN);
    if damage & PANICKED == 0 { Damage::Died { pid } } else { Damage::Panicked { pid } }
}

#[cold]
#[track_caller]
fn deadlock() -> ! {
    panic!(
        "this thread holds the lock already, and would wait for itself: use the guard that it has, or drop that before"
    )
}

impl<'a> Held<'a> {
    /// Releases the lock, and says which one it was.
    pub(crate) fn release(self) -> &'a Head {
        self.head
    }

    /// Why what the lock protects may be half-changed.
    #[inline]
    pub(crate) fn damage(&self) -> Option<Damage> {
        match self.state as u32 {
            0 => None,
            damage => Some(told(damage)),
        }
    }

    /// Says that damage is over when the lock is released.
    pub(crate) fn repaired(&mut self) {
        self.state |= REPAIRED;
    }

    /// How often a holder of the lock has ended.
    #[inline]
    pub(crate) fn deaths(&self) -> u32 {
        deaths(self.head)
    }

    /// Whether it is this lock that is held.
    pub(crate) fn is_of(&self, head: &Head) -> bool {
        std::ptr::eq(self.head, head)
    }
}

impl Drop for Held<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.state >> TAKER != u64::from(this_process::pid()) {
            // a copy in a process that was forked from the one that took the lock
            return;
        }
        if panicking() && self.state & PANICKING == 0 {
            note_panic(self.head);
        } else if self.state & REPAIRED != 0 {
            note_repair(self.head);
        }
        release(self.head);
    }
}

// What follows is for those who hold the lock without a `Held`.

/// Whether this very thread holds the lock.
pub(crate) fn is_held_here(head: &Head) -> bool {
    if head.owner.load(Relaxed) != this_process::pid() {
        return false;
    }
    match head.mutex.try_lock() {
        Outcome::Deadlock => return true,
        Outcome::Busy => {}
        Outcome::Locked => head.mutex.unlock(),
        // which is told to whoever takes it
        Outcome::OwnerDied => drop(orphaned(head)),
    }
    false
}

/// Notes that this thread panicked while it held the lock.
#[cold]
pub(crate) fn note_panic(head: &Head) {
    head.damage.store(this_process::pid() | PANICKED, Relaxed);
}

/// Notes that what the lock protects is in order again.
#[cold]
pub(crate) fn note_repair(head: &Head) {
    head.damage.store(0, Relaxed);
}

/// Releases the lock, which this thread holds.
#[inline]
pub(crate) fn release(head: &Head) {
    COUNT.set(COUNT.get() - 1);
    head.owner.store(0, Relaxed);
    head.mutex.unlock();
}
