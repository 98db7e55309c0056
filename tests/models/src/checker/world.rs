//! What there is at one point of an execution, and how a thread asks to go on.
//!
//! # Safety
//! A coroutine's yielder lives as long as its function runs, and only that uses the pointer: [`YIELDER`] is that of the one that runs.
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::panic::Location;
use std::ptr::NonNull;

use corosensei::Yielder;

type Place = &'static Location<'static>;

/// What a thread is about to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Step(Place),
    Sleep(usize, Place),
    Take(usize, Place),
    Until(Until, Place),
}

/// What a thread sleeps for: a note that is so much.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Until {
    pub(super) note: usize,
    pub(super) least: u64,
    pub(super) or: Or,
}

/// What else ends a sleep.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Or {
    /// It may be over at any time.
    pub(crate) time: bool,
    /// One of these has ended or died, a bit for each name.
    pub(crate) gone: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    GoOn,
    TimeIsOver,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Wants(Wish),
    Woken(Place),
    Ended,
    Dead,
}

pub(super) struct Thread {
    pub(super) state: State,
    /// A hash of its steps, and of all that it was told by them.
    pub(super) told: u64,
    pub(super) part: u32,
    /// How often it slept for long enough.
    pub(super) looks: u32,
}

#[derive(Clone, Copy, Default, Hash)]
pub(super) struct Held {
    pub(super) by: Option<usize>,
    pub(super) died: bool,
}

#[derive(Default)]
pub(super) struct World {
    pub(super) regions: Vec<Range<usize>>,
    /// A hash of all that is not zero there.
    pub(super) memory: u64,
    pub(super) notes: Vec<u64>,
    pub(super) locks: Vec<Held>,
    pub(super) threads: Vec<Thread>,
    pub(super) running: Option<usize>,
    pub(super) deaths: u32,
    pub(super) may_die: u32,
    /// What follows is no step of its own.
    pub(super) at_once: bool,
    pub(super) mortals: u64,
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::default();
    pub(super) static YIELDER: Cell<Option<NonNull<Yielder<Answer, Wish>>>> = const { Cell::new(None) };
}

pub(super) fn with<R>(use_it: impl FnOnce(&mut World) -> R) -> R {
    WORLD.with_borrow_mut(use_it)
}

/// Lets the others run until the wish is granted. Where a model begins and ends there are none.
pub(super) fn ask(wish: Wish) -> Answer {
    match YIELDER.get() {
        // SAFETY: it is that of the coroutine that runs here.
        Some(yielder) => unsafe { yielder.as_ref() }.suspend(wish),
        None => Answer::GoOn,
    }
}

pub(super) fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl World {
    pub(super) fn saw(&mut self, value: u64) {
        if let Some(thread) = self.running {
            let told = &mut self.threads[thread].told;
            *told = hash((*told, value));
        }
    }

    pub(super) fn knows_only(&mut self, value: impl Hash) {
        if let Some(thread) = self.running {
            let thread = &mut self.threads[thread];
            thread.told = hash((thread.part, value));
        }
    }

    pub(super) fn wrote(&mut self, address: usize, before: u64, after: u64) {
        let word = self.find(address);
        let part = |value: u64| if value == 0 { 0 } else { hash((word, value)) };
        self.memory ^= part(before) ^ part(after);
    }

    /// A word's name, which is the same in all executions.
    fn find(&self, address: usize) -> (usize, usize) {
        let region = self.regions.iter().position(|region| region.contains(&address));
        let region = region.expect("the words of a model are made by its beginning");
        (region, address - self.regions[region].start)
    }

    pub(super) fn wake(&mut self, address: usize) -> usize {
        let mut woken = 0;
        for thread in &mut self.threads {
            if let State::Wants(Wish::Sleep(at, place)) = thread.state
                && at == address
            {
                thread.state = State::Woken(place);
                woken += 1;
            }
        }
        woken
    }

    pub(super) fn take(&mut self, lock: usize) -> bool {
        let Held { by, died } = std::mem::take(&mut self.locks[lock]);
        assert!(by.is_none());
        self.locks[lock].by = self.running;
        self.saw(died.into());
        died
    }

    pub(super) fn kill(&mut self, thread: usize) {
        self.deaths += 1;
        self.threads[thread].state = State::Dead;
        for held in self.locks.iter_mut().filter(|held| held.by == Some(thread)) {
            *held = Held { by: None, died: true };
        }
    }

    /// All that what follows depends on.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.memory, &self.notes, &self.locks).hash(&mut hasher);
        for Thread { state, told, part, looks } in &self.threads {
            // where it is follows from what it was told
            let kind = match state {
                State::Wants(Wish::Step(_)) => 0,
                State::Wants(Wish::Sleep(..)) => 1,
                State::Wants(Wish::Take(..)) => 2,
                State::Wants(Wish::Until(..)) => 6,
                State::Woken(_) => 3,
                State::Ended => 4,
                State::Dead => 5,
            };
            // one that has ended does nothing more, whatever it was told
            let is_over = matches!(state, State::Ended | State::Dead);
            let known = if is_over { (0, 0, 0) } else { (*told, *part, *looks) };
            (kind, known).hash(&mut hasher);
        }
        hasher.finish()
    }
}
