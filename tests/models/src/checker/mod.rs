//! Runs a few threads in all interleavings of their steps, and says what is wrong in one of them.
//!
//! A step is one operation on an atomic, on a lock, or on the word of a sleeper. After each step there are the moves that can be next: a
//! thread goes on, or dies, or has slept for long enough. All are tried, one after the other, each from the beginning, as threads
//! cannot be copied. What a thread does is given by what it was told by its steps. So memory, locks, and what each thread was told and
//! waits for, are all that what follows depends on: where an execution comes to a state that one had been in before, it ends.
//! (States are told apart by hashes of 64 bits.)
//!
//! loom was tried first. It gives a `SeqCst` load values that it cannot have, and misses interleavings of a load with a store by a thread
//! that has loaded too; where each load is an exchange it does neither, but then it has 817,000 executions for a flag with two
//! waiters, which has 234 states.
//!
//! Whatever a model shares has to come from [`Words`](crate::words::Words), [`Lock`] and [`Note`], made by the function that begins it.

mod explorer;
mod world;

use std::panic::Location;

pub(crate) use explorer::Model;
pub(crate) use world::Or;
use world::{Answer, State, Until, Wish, ask, with};

use crate::atomic::AtomicU32;
use crate::raw::Who;

/// A step of the calling thread begins.
pub(crate) fn step(place: &'static Location<'static>) {
    if !with(|world| world.at_once) {
        ask(Wish::Step(place));
    }
}

/// Makes several steps one, of what another model has in single ones.
#[track_caller]
pub(crate) fn at_once<R>(steps: impl FnOnce() -> R) -> R {
    step(Location::caller());
    with(|world| world.at_once = true);
    let result = steps();
    with(|world| world.at_once = false);
    result
}

/// What a thread was told by a step.
pub(crate) fn saw(value: u64) {
    with(|world| world.saw(value));
}

/// Says that the calling thread knows nothing here but `value`, whatever it was told: then states are equal that would not be otherwise.
/// It has to be true, or states are left out: whatever the thread has in a variable and still uses is in `value`, and how far it is in
/// what it does follows from the place and the [part](next_part).
#[track_caller]
pub(crate) fn knows_only(value: impl std::hash::Hash) {
    let place = Location::caller();
    with(|world| world.knows_only((place.line(), place.column(), world::hash(value))));
}

/// The calling thread begins something, maybe again.
pub(crate) fn next_part() {
    with(|world| {
        if let Some(thread) = world.running {
            world.threads[thread].part += 1;
        }
    });
    saw(1);
}

/// A word was changed by a step.
pub(crate) fn wrote(address: usize, before: u64, after: u64) {
    with(|world| world.wrote(address, before, after));
}

/// Says where words are.
pub(crate) fn watch(address: usize, bytes: usize) {
    with(|world| world.regions.push(address..address + bytes));
}

/// The name of the calling thread, which is its number in the model, from 1.
pub(crate) fn me() -> Who {
    with(|world| world.running.map_or(0, |thread| thread as Who + 1))
}

/// Whether that thread has ended or died.
#[track_caller]
pub(crate) fn has_ended(who: Who) -> bool {
    step(Location::caller());
    let ended = with(|world| matches!(world.threads[who as usize - 1].state, State::Ended | State::Dead));
    saw(ended.into());
    ended
}

/// Whether somebody has died: then time passes, after which one looks by itself.
#[track_caller]
pub(crate) fn time_passes() -> bool {
    if with(|world| world.may_die == 0) {
        return false;
    }
    step(Location::caller());
    let deaths = with(|world| world.deaths);
    saw(deaths.into());
    deaths > 0
}

/// Those who have died, a bit for each name; to be asserted with, and not told to a thread.
pub(crate) fn dead() -> u64 {
    with(|world| {
        let dead = world.threads.iter().enumerate().filter(|(_, thread)| thread.state == State::Dead);
        dead.map(|(i, _)| 1 << (i + 1)).sum()
    })
}

pub(crate) mod futex {
    use super::*;

    /// Sleeps while the word is that; false if it was for long enough.
    #[track_caller]
    pub(crate) fn wait(word: &AtomicU32, expected: u32) -> bool {
        step(Location::caller());
        let sleeps = word.peek() == expected;
        saw(sleeps.into());
        if !sleeps {
            return true;
        }
        let woken = ask(Wish::Sleep(word.address(), Location::caller())) == Answer::GoOn;
        saw(woken.into());
        woken
    }

    #[track_caller]
    pub(crate) fn wake_all(word: &AtomicU32) {
        step(Location::caller());
        with(|world| world.wake(word.address()));
    }

    /// Wakes the only one who can be asleep there.
    #[track_caller]
    pub(crate) fn wake_one(word: &AtomicU32) {
        step(Location::caller());
        let woken = with(|world| world.wake(word.address()));
        assert!(woken <= 1, "{woken} sleep where only one should");
    }
}

/// A lock that goes to the next one when its holder dies.
pub(crate) struct Lock(usize);

impl Lock {
    pub(crate) fn new() -> Self {
        with(|world| {
            world.locks.push(world::Held::default());
            Self(world.locks.len() - 1)
        })
    }

    /// Takes it; whether the one who held it before has died.
    #[track_caller]
    pub(crate) fn take(&self) -> bool {
        ask(Wish::Take(self.0, Location::caller()));
        with(|world| world.take(self.0))
    }

    #[track_caller]
    pub(crate) fn try_take(&self) -> bool {
        step(Location::caller());
        let free = with(|world| world.locks[self.0].by.is_none());
        saw(free.into());
        if free {
            with(|world| world.take(self.0));
        }
        free
    }

    /// Whether its last holder has died, and nobody has been told.
    pub(crate) fn was_left(&self) -> bool {
        with(|world| world.locks[self.0].died)
    }

    /// Gives it back with the step before, where nobody who has it dies: then those who want it can as well have come later.
    pub(crate) fn give_at_once(&self) {
        with(|world| world.locks[self.0].by = None);
    }

    #[track_caller]
    pub(crate) fn give(&self) {
        step(Location::caller());
        with(|world| world.locks[self.0].by = None);
    }
}

/// A number that a model keeps for itself. To use it is no step, but a part of the one before.
pub(crate) struct Note(usize);

impl Note {
    pub(crate) fn new() -> Self {
        with(|world| {
            world.notes.push(0);
            Self(world.notes.len() - 1)
        })
    }

    pub(crate) fn get(&self) -> u64 {
        let value = with(|world| world.notes[self.0]);
        saw(value);
        value
    }

    pub(crate) fn set(&self, value: u64) {
        with(|world| world.notes[self.0] = value);
    }

    pub(crate) fn add(&self, value: u64) -> u64 {
        self.set(self.get() + value);
        self.get()
    }

    pub(crate) fn subtract(&self, value: u64) {
        self.set(self.get() - value);
    }

    /// What it was before.
    pub(crate) fn insert(&self, bit: u64) -> u64 {
        let before = self.get();
        self.set(before | 1 << bit);
        before
    }

    pub(crate) fn remove(&self, bit: u64) {
        self.set(self.get() & !(1 << bit));
    }
}

/// Sleeps until a note is at least so much, which others may make it at any time; false if it was something else that ended the sleep.
#[track_caller]
pub(crate) fn sleep_until(note: &Note, least: u64, or: Or) -> bool {
    ask(Wish::Until(Until { note: note.0, least, or }, Location::caller()));
    let is_so = with(|world| world.notes[note.0]) >= least;
    saw(is_so.into());
    is_so
}

/// What stays rung until somebody has waited for it.
pub(crate) struct Bell(Note);

impl Bell {
    pub(crate) fn new() -> Self {
        Self(Note::new())
    }

    #[track_caller]
    pub(crate) fn ring(&self) {
        step(Location::caller());
        self.0.set(1);
    }

    /// Sleeps until it rings, and makes it still; false if it was something else that ended the sleep.
    #[track_caller]
    pub(crate) fn wait(&self, or: Or) -> bool {
        let rang = sleep_until(&self.0, 1, or);
        if rang {
            self.0.set(0);
        }
        rang
    }
}
