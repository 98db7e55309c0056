//! Permits that processes take and give back; what they are is in `raw::permits`.
//!
//! Who finds none waits for the baton, which is the lock of the object, and then sleeps on a word. If it is killed there, the
//! baton goes to the next one, so no wake-up can be given to the dead and lost.

use std::cell::Cell;
use std::fmt::{Debug, Formatter};
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use super::error::OverRelease;
use super::sleep::{Deadline, EVERY};
use super::state;
use super::words::{Words, handle};
use crate::memory::MemoryError;
use crate::raw::permits::{Counts, MOST, Permits};
use crate::sys::{clock, futex, incarnation};

/// A number of permits, which processes take and give back.
///
/// It limits how many do something at once; or it counts what is there, and then a permit is added by [`release`](Self::release)
/// and taken for good by [`Permit::forget`].
///
/// It goes to other processes as a [`Lock`](crate::Lock) does. The permits of a process that dies come back within half a second, when
/// others wait for them, or try to get one. Those who wait, and are killed, leave nothing. Permits go to who asks first when
/// there is one, which need not be who has waited for longest.
///
/// In a task of a pool, who waits for a permit unwinds at the task's [soft time limit](mod@crate::task#soft-time-limits), and then has none.
///
/// ```standalone_crate
/// use carom::{Pool, Semaphore};
///
/// #[carom::task]
/// fn fetch(two_at_once: Semaphore, page: u32) -> usize {
///     let _permit = two_at_once.acquire();
///     page.to_string().len()
/// }
///
/// #[carom::main]
/// fn main() -> carom::Result<()> {
///     let pool = Pool::builder().processes(4).build()?;
///     let two_at_once = Semaphore::new(2)?;
///     let sizes = pool.map(fetch, (1..=20).map(|page| (two_at_once.clone(), page)))?;
///     assert_eq!(sizes.len(), 20);
///     assert_eq!(two_at_once.available(), 2);
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Semaphore {
    words: Words<Counts, AtomicU64>,
}

/// A [`Semaphore`] that never has more permits than it began with: to give back one too many is an error. In all else, as at soft time
/// limits, it is as that.
///
/// ```
/// use carom::BoundedSemaphore;
///
/// let slots = BoundedSemaphore::new(1)?;
/// // taken here, to be given back elsewhere
/// slots.acquire().forget();
/// assert!(slots.try_acquire().is_none());
/// slots.release()?;
/// assert!(slots.release().is_err());
/// # Ok::<(), carom::Error>(())
/// ```
#[derive(Clone)]
pub struct BoundedSemaphore {
    words: Words<Counts, AtomicU64>,
}

/// So many permits of a [`Semaphore`] can be held at once, if it did not begin with more.
const SLOTS: u32 = 256;

macro_rules! acquires {
    () => {
        /// Takes a permit; waits until there is one.
        ///
        /// # Panics
        /// If it has to wait, and this thread holds a thousand locks.
        #[inline]
        pub fn acquire(&self) -> Permit<'_> {
            loop {
                if let Some(permit) = acquire(&self.words, Deadline::NEVER) {
                    return permit;
                }
            }
        }

        /// Takes a permit, if there is one. (One whose holder has just ended may not be there yet: nobody looks more often than
        /// every 200 milliseconds.)
        #[inline]
        #[must_use = "the permit is given back when this is dropped: bind it, `let _permit = …`"]
        pub fn try_acquire(&self) -> Option<Permit<'_>> {
            try_acquire(&self.words)
        }

        /// Takes a permit; waits until there is one, but no longer than `timeout`. Time is told by the clock that is never set.
        #[inline]
        #[must_use = "the permit is given back when this is dropped: bind it, `let _permit = …`"]
        pub fn acquire_timeout(&self, timeout: Duration) -> Option<Permit<'_>> {
            try_acquire(&self.words).or_else(|| acquire(&self.words, Deadline::after(timeout)))
        }

        /// How many permits are free at this instant.
        #[doc(alias = "get_value")]
        pub fn available(&self) -> u32 {
            recover(&self.words);
            view(&self.words).available()
        }

        /// The processes that hold permits at this instant, each as often as it holds one. Permits that were [taken for
        /// good](Permit::forget) are nobody's. One that has just ended may be among them.
        pub fn holders(&self) -> Vec<u32> {
            recover(&self.words);
            view(&self.words).holders().map(incarnation::pid).collect()
        }

        /// How many permits came back because the process that held them had ended.
        pub fn recovered(&self) -> u32 {
            recover(&self.words);
            view(&self.words).recovered()
        }
    };
}

impl Semaphore {
    /// With that many permits.
    ///
    /// At most 256 of them, or that many if they are more, can be held at once; those that were [taken for good](Permit::forget)
    /// do not count. (Of more than 4,095, those that were taken for good and added again may not all be held at once.) Each takes
    /// eight bytes, once it has been taken.
    ///
    /// # Errors
    /// If there is no memory for it, or they are more than 2^28 - 1.
    pub fn new(permits: u32) -> Result<Self, MemoryError> {
        Ok(Self { words: create(NAME, permits, permits.max(SLOTS))? })
    }

    acquires!();

    /// Adds permits. Does not block. If this process is killed meanwhile, all of them are there, or none is. (How many can be
    /// held at once stays as [`new`](Self::new) tells.)
    ///
    /// # Panics
    /// If there are too many: the limit is 2^28 - 1 that were added and not taken yet.
    #[track_caller]
    pub fn release(&self, permits: u32) {
        match view(&self.words).add(permits) {
            Some(wakes) => wake(&self.words, wakes),
            None => panic!("a semaphore cannot have more than {MOST} permits that nobody has taken"),
        }
    }
}

impl BoundedSemaphore {
    /// With that many permits, each of which takes eight bytes, once it has been taken.
    ///
    /// # Errors
    /// If there is no memory for it, or they are more than 2^28 - 1.
    pub fn new(permits: u32) -> Result<Self, MemoryError> {
        Ok(Self { words: create(BOUNDED, permits, permits)? })
    }

    acquires!();

    /// Brings a permit back that was [taken for good](Permit::forget), by whatever process.
    ///
    /// # Errors
    /// That there is none.
    pub fn release(&self) -> Result<(), OverRelease> {
        let wakes = view(&self.words).restore().ok_or(OverRelease)?;
        wake(&self.words, wakes);
        Ok(())
    }
}

const NAME: &str = "carom::Semaphore";
const BOUNDED: &str = "carom::BoundedSemaphore";

fn create(name: &str, permits: u32, slots: u32) -> Result<Words<Counts, AtomicU64>, MemoryError> {
    if permits > MOST {
        return Err(MemoryError::TooLarge { size: slots as usize * size_of::<AtomicU64>() });
    }
    let words = Words::create(name, slots as usize)?;
    view(&words).begin(permits);
    Ok(words)
}

#[inline]
fn view(words: &Words<Counts, AtomicU64>) -> Permits<'_> {
    Permits { counts: words.head(), slots: words.slots() }
}

thread_local! {
    /// The slot that this thread gave back last, which is likely to be free, and in its processor's cache; or the one after that which it
    /// took last.
    static NEAR: Cell<usize> = const { Cell::new(0) };
}

#[inline]
fn take(words: &Words<Counts, AtomicU64>) -> Option<Permit<'_>> {
    let me = incarnation::own();
    let near = NEAR.get();
    let slot = if view(words).take_at(near, me) { near } else { view(words).take(me)? };
    // until one is given back, those next to it are free, if any are
    NEAR.set(slot + 1);
    Some(Permit { words, slot, me })
}

#[inline]
fn try_acquire(words: &Words<Counts, AtomicU64>) -> Option<Permit<'_>> {
    take(words).or_else(|| recover(words).then(|| take(words)).flatten())
}

/// Looks for holders that have ended, if nobody has for a while; whether it looked.
#[cold]
fn recover(words: &Words<Counts, AtomicU64>) -> bool {
    let looks = words.head().looked.is_due(clock::milliseconds(), EVERY);
    if looks {
        let wakes = view(words).recover(incarnation::own(), incarnation::has_ended);
        wake(words, wakes);
    }
    looks
}

#[inline]
fn wake(words: &Words<Counts, AtomicU64>, wakes: bool) {
    if wakes {
        futex::wake_one(&words.head().sleeping);
    }
}

#[inline]
fn acquire(words: &Words<Counts, AtomicU64>, deadline: Deadline) -> Option<Permit<'_>> {
    take(words).or_else(|| limited(words, deadline))
}

/// As [`wait`], and unwinds if it is for the soft limit that there is none.
#[cold]
fn limited(words: &Words<Counts, AtomicU64>, deadline: Deadline) -> Option<Permit<'_>> {
    let permit = wait(words, deadline);
    if permit.is_none() {
        deadline.end();
    }
    permit
}

/// Waits for a permit; none if there is none by the deadline.
#[cold]
fn wait(words: &Words<Counts, AtomicU64>, deadline: Deadline) -> Option<Permit<'_>> {
    let baton = loop {
        // who has it may be stopped, so one does not wait for it alone
        if let Some(baton) = state::lock_within(words.lock(), deadline.nap()?) {
            break baton;
        }
        if let Some(permit) = try_acquire(words) {
            return Some(permit);
        }
    };
    let permit = loop {
        view(words).announce();
        if let Some(permit) = try_acquire(words) {
            break Some(permit);
        }
        let Some(nap) = deadline.nap() else { break None };
        futex::wait(&words.head().sleeping, 1, nap);
    };
    view(words).awake();
    drop(baton);
    permit
}

/// A permit of a [`Semaphore`] or a [`BoundedSemaphore`], which is given back when this is dropped, or when this process ends, by whatever
/// cause.
///
/// It may go to another thread. (Where a process replaces its program by `exec`, it keeps what it has until it ends.)
#[must_use = "the permit is given back when this is dropped: bind it, `let _permit = …`"]
pub struct Permit<'a> {
    words: &'a Words<Counts, AtomicU64>,
    slot: usize,
    me: u64,
}

impl Permit<'_> {
    /// Takes it for good: it does not come back, neither when it is dropped nor when this process ends, but by `release`.
    pub fn forget(self) {
        if self.is_ours() {
            let wakes = view(self.words).keep(self.slot);
            wake(self.words, wakes);
        }
        std::mem::forget(self);
    }

    /// Whether it is not a copy in a process that was forked from the one that took it.
    #[inline]
    fn is_ours(&self) -> bool {
        self.me == incarnation::own()
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.is_ours() {
            NEAR.set(self.slot);
            let wakes = view(self.words).give(self.slot);
            wake(self.words, wakes);
        }
    }
}

impl Debug for Permit<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("Permit")
    }
}

impl Debug for Semaphore {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Semaphore").field("available", &self.available()).field("holders", &self.holders()).finish()
    }
}

impl Debug for BoundedSemaphore {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { words } = self;
        let mut debug = f.debug_struct("BoundedSemaphore");
        debug.field("available", &self.available()).field("bound", &words.slots().len());
        debug.field("holders", &self.holders()).finish()
    }
}

handle!(Semaphore, "carom::Semaphore", "a `Semaphore`");
handle!(BoundedSemaphore, "carom::BoundedSemaphore", "a `BoundedSemaphore`");
