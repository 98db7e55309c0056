//! `raw::doorbell`, as a worker's desk and one thread of its pool use it: `runtime/src/pool/desk.rs` and `member.rs`.

use std::cell::Cell;

use crate::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use crate::checker::{Bell, Model, Note, Or, futex, knows_only, sleep_until};
use crate::raw::doorbell::{Sleeper, Wish};
use crate::words::{Words, Zeroed};

/// What both sides see.
#[repr(C)]
pub(crate) struct Control {
    pub(crate) requested: AtomicU64,
    pub(crate) taken: AtomicU64,
    pub(crate) wish: Wish,
    pub(crate) closing: AtomicU32,
    pub(crate) asleep: Sleeper,
    pub(crate) replied: AtomicU64,
    pub(crate) passed: AtomicU64,
}

// SAFETY: all fields are atomics.
#[allow(unsafe_code, reason = "zeros are a value")]
unsafe impl Zeroed for Control {}

impl Control {
    /// As `Member::wake`.
    pub(crate) fn wake(&self, what: u32) {
        if self.asleep.is_to_be_woken(what) {
            futex::wake_one(self.asleep.word());
        }
    }

    /// As `Desk::wait`; the worker has published so many replies, or has more that the pool has to know of.
    pub(crate) fn wait(
        &self,
        holds: impl Fn() -> bool,
        replied: u64,
        what: u32,
        has_made_place: &Cell<bool>,
        ring: impl Fn(Option<u32>),
        known: impl std::hash::Hash + Copy,
    ) -> bool {
        self.wait_with(holds, replied, what, has_made_place, ring, known, |look| look())
    }

    /// Where some looks may be one step.
    #[allow(clippy::too_many_arguments, reason = "what a desk has in its fields")]
    pub(crate) fn wait_with(
        &self,
        holds: impl Fn() -> bool,
        replied: u64,
        what: u32,
        has_made_place: &Cell<bool>,
        ring: impl Fn(Option<u32>),
        known: impl std::hash::Hash + Copy,
        looks: impl Fn(&dyn Fn() -> bool) -> bool,
    ) -> bool {
        let urgent = what == Sleeper::FOR_ROOM;
        if holds() {
            return true;
        }
        loop {
            knows_only((known, urgent, has_made_place.get()));
            let (over, closing) = self.asleep.lie_down(what, || {
                let closing = Cell::new(false);
                let over = looks(&|| {
                    closing.set(self.closing.load(SeqCst) != 0);
                    holds() || (closing.get() && !urgent)
                });
                (over, closing.get())
            });
            if !over {
                if urgent | has_made_place.take() || self.taken.load(SeqCst) < replied {
                    ring(self.wish.whom());
                }
                knows_only((known, urgent, closing, has_made_place.get()));
                futex::wait(self.asleep.word(), what);
            }
            knows_only((known, urgent, closing, has_made_place.get()));
            let found = looks(&|| {
                self.asleep.get_up();
                knows_only((known, urgent, closing, has_made_place.get()));
                holds()
            });
            if found {
                return true;
            }
            if closing && !urgent {
                return false;
            }
        }
    }
}

/// One worker, and one thread that gives it requests and waits for replies.
struct Pair {
    words: Words<Control>,
    bell: Bell,
    /// How many requests there are at a time, and how many replies have room.
    window: u64,
    room: u64,
    /// Each call waits until somebody knows of the one before.
    each_waits: bool,
    /// How many replies have been published.
    published: Note,
    taken: Note,
}

impl Pair {
    fn new(window: u64, room: u64, each_waits: bool) -> Self {
        Self {
            words: Words::new(0),
            bell: Bell::new(),
            window,
            room,
            each_waits,
            published: Note::new(),
            taken: Note::new(),
        }
    }

    fn ring(&self, whom: Option<u32>) {
        if whom.is_some() {
            self.bell.ring();
        }
    }

    fn work(&self) {
        let control = &self.words.head;
        let (mut done, mut replied, none) = (0, 0, Cell::new(false));
        loop {
            knows_only((done, replied));
            let (known, ring) = ((done, replied), |whom| self.ring(whom));
            let is_there = || control.requested.load(SeqCst) > done;
            if !control.wait(is_there, replied, Sleeper::FOR_A_REQUEST, &none, ring, known) && !is_there() {
                return;
            }
            done += 1;
            if self.each_waits {
                sleep_until(&self.taken, replied, Or::default());
            }
            loop {
                let taken = control.taken.load(SeqCst);
                if replied - taken < self.room {
                    break;
                }
                control.wait(
                    || control.taken.load(SeqCst) > taken,
                    replied,
                    Sleeper::FOR_ROOM,
                    &none,
                    ring,
                    (known, taken),
                );
            }
            replied += 1;
            self.published.set(replied);
            knows_only((done, replied));
            let whom = control.wish.reply(&control.replied, replied);
            knows_only((done, replied, whom));
            self.ring(whom);
        }
    }

    /// Has so many requests answered, and rings for half of them at a time if that is to do.
    fn ask(&self, requests: u64, half: bool) {
        let control = &self.words.head;
        let (mut given, mut taken, mut gone) = (0, 0, false);
        loop {
            knows_only((given, taken, gone));
            while taken < control.replied.load(SeqCst) {
                taken += 1;
                self.taken.set(taken);
                knows_only((given, taken, gone));
                control.taken.store(taken, SeqCst);
                control.wake(Sleeper::FOR_ROOM);
                knows_only((given, taken, gone));
            }
            if taken == requests || gone {
                break;
            }
            while given < requests && given - taken < self.window {
                given += 1;
                knows_only((given, taken, gone));
                control.requested.store(given, SeqCst);
                control.wake(Sleeper::FOR_A_REQUEST);
                knows_only((given, taken, gone));
            }
            let more = if half { ((given - taken) / 2).max(1) } else { 1 };
            if control.wish.want(&control.replied, taken, more, 0) {
                knows_only((given, taken, gone));
                gone = !self.bell.wait(Or { gone: WORKER, ..Or::default() });
                control.wish.want_nothing();
            }
        }
        control.closing.store(1, SeqCst);
        control.wake(Sleeper::FOR_A_REQUEST);
    }

    fn all_is_taken(&self, requests: u64) {
        assert!(self.taken.get() == requests || crate::checker::dead() == WORKER);
        // one who died between the note and the store has published nothing
        let published = self.words.head.replied.peek();
        assert_eq!(self.taken.get(), published, "what was replied is delivered");
        assert!(self.published.get() - published <= 1);
    }
}

/// The worker's name.
const WORKER: u64 = 2;

fn check(name: &'static str, requests: u64, [window, room]: [u64; 2], half: bool, deaths: u32) {
    // who is rung for half of them is not told of one
    let each_waits = !half && room > 1;
    let model = Model::new(name, move || Pair::new(window, room, each_waits)).deaths(deaths).mortals(WORKER);
    let model = model.thread(Pair::work).thread(move |pair| pair.ask(requests, half));
    model.check(|pair| pair.all_is_taken(requests));
}

#[test]
fn neither_side_sleeps_while_there_is_something_for_it() {
    check("doorbell: 3 requests, one at a time", 3, [1, 3], false, 0);
    check("doorbell: 4 requests, 2 at a time", 4, [2, 4], false, 0);
    check("doorbell: 5 requests, rung for half", 5, [4, 4], true, 0);
}

#[test]
fn a_worker_waits_for_room_for_its_replies() {
    check("doorbell: 4 requests, room for 1 reply", 4, [4, 1], true, 0);
    check("doorbell: 4 requests, room for 2 replies", 4, [3, 2], true, 0);
}

#[test]
fn whenever_the_worker_dies_its_replies_are_delivered() {
    check("doorbell: 3 requests, the worker dies", 3, [2, 1], false, 1);
    check("doorbell: 4 requests, half, the worker dies", 4, [4, 2], true, 1);
}
