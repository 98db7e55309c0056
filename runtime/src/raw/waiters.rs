//! Those who wait to be notified, in the order in which they came.
//!
//! | `owner` | `state` | |
//! | --- | --- | --- |
//! | 0 | 0 | nobody's |
//! | a name | 0 | comes or goes |
//! | a name | a ticket, `WAITING` | waits, asleep on `state` |
//! | a name | the next ticket, `NOTIFIED` | is to go on, and has not done so yet; who came later was not meant |
//!
//! A place is its owner's, from the exchange that puts its name there until it takes that away. Notifiers change nothing but
//! `WAITING` into `NOTIFIED`, by an exchange of the whole word, with the ticket: so they never hit who comes next. What was given to one
//! that has ended is passed on by whoever finds it, and only then its place is given up. So nothing is lost; where the one
//! who passes it on is killed in between, it is given twice.

use super::Who;
use super::turn::Turn;
use crate::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

const WAITING: u32 = 1;
const NOTIFIED: u32 = 2;
const CODE: u32 = 3;
/// From a ticket to the next.
const ONE: u32 = 4;
/// Tickets are told to be earlier or later where they are no further apart than twice this.
const OLD: u32 = 1 << 30;

#[repr(C)]
pub(crate) struct Line {
    /// Places from this one on have never been used.
    used: AtomicU32,
    /// The next ticket.
    pub(crate) tickets: AtomicU32,
    pub(crate) looked: Turn,
}

/// A place to wait at.
#[repr(C)]
pub(crate) struct Place {
    owner: AtomicU64,
    /// What its owner sleeps on.
    pub(crate) state: AtomicU32,
}

#[derive(Clone, Copy)]
pub(crate) struct Waiters<'a> {
    pub(crate) line: &'a Line,
    pub(crate) places: &'a [Place],
}

/// A place that the caller has, and its word while it waits.
#[derive(Clone, Copy)]
pub(crate) struct Waiting {
    pub(crate) place: usize,
    pub(crate) word: u32,
}

impl<'a> Waiters<'a> {
    /// Takes a place, unless there is none.
    pub(crate) fn come(self, me: Who) -> Option<Waiting> {
        let mine = |place: &Place| place.owner.compare_exchange(0, me, SeqCst, SeqCst).is_ok();
        let vacant = |place: &Place| place.owner.load(SeqCst) == 0 && mine(place);
        let place = self.places.iter().position(vacant)?;
        self.line.used.fetch_max(place as u32 + 1, SeqCst);
        let word = self.line.tickets.fetch_add(ONE, SeqCst) & !CODE | WAITING;
        self.places[place].state.store(word, SeqCst);
        Some(Waiting { place, word })
    }

    pub(crate) fn is_notified(self, waiting: Waiting) -> bool {
        self.places[waiting.place].state.load(SeqCst) != waiting.word
    }

    /// Takes another ticket, if the caller's is so old that it would soon look like one that comes later; it stays before all others
    /// of late.
    pub(crate) fn renew(self, waiting: Waiting) -> Waiting {
        let next = self.line.tickets.load(SeqCst);
        if next.wrapping_sub(waiting.word) < OLD {
            return waiting;
        }
        let word = next.wrapping_sub(OLD) & !CODE | WAITING;
        let renewed = self.places[waiting.place].state.compare_exchange(waiting.word, word, SeqCst, SeqCst);
        // if it was notified meanwhile, it keeps what it has
        if renewed.is_ok() { Waiting { word, ..waiting } } else { waiting }
    }

    /// Leaves without having been notified; false if the caller was, meanwhile, and is to [leave](Self::leave) as such.
    pub(crate) fn give_up(self, waiting: Waiting) -> bool {
        let place = &self.places[waiting.place];
        let left = place.state.compare_exchange(waiting.word, 0, SeqCst, SeqCst).is_ok();
        if left {
            place.owner.store(0, SeqCst);
        }
        left
    }

    /// Leaves, when all is done for which the caller was notified: if it is killed before, another one is.
    pub(crate) fn leave(self, waiting: Waiting) {
        let place = &self.places[waiting.place];
        place.state.store(0, SeqCst);
        place.owner.store(0, SeqCst);
    }

    /// Notifies the one that has waited for longest, who is then to be woken.
    pub(crate) fn notify(self) -> Option<usize> {
        self.notify_before(self.line.tickets.load(SeqCst))
    }

    /// The same, of those with an earlier ticket.
    fn notify_before(self, limit: u32) -> Option<usize> {
        loop {
            let mut first: Option<(usize, u32)> = None;
            for (i, place) in self.used().iter().enumerate() {
                let word = place.state.load(SeqCst);
                if word & CODE == WAITING && is_earlier(word, first.map_or(limit, |(_, word)| word)) {
                    first = Some((i, word));
                }
            }
            let (i, word) = first?;
            if self.change(i, word, limit) {
                return Some(i);
            }
        }
    }

    /// Notifies all; `wake` is called with each.
    pub(crate) fn notify_all(self, mut wake: impl FnMut(usize)) {
        let limit = self.line.tickets.load(SeqCst);
        for (i, place) in self.used().iter().enumerate() {
            let word = place.state.load(SeqCst);
            if word & CODE == WAITING && is_earlier(word, limit) && self.change(i, word, limit) {
                wake(i);
            }
        }
    }

    fn change(self, place: usize, word: u32, limit: u32) -> bool {
        self.places[place].state.compare_exchange(word, limit & !CODE | NOTIFIED, SeqCst, SeqCst).is_ok()
    }

    /// Passes on what was given to those who have ended, and gives up their places. By one process at a time.
    pub(crate) fn pass_on(self, me: Who, has_ended: impl Fn(Who) -> bool, mut wake: impl FnMut(usize)) {
        for place in self.used() {
            let owner = place.owner.load(SeqCst);
            if owner == 0 || owner == me || !has_ended(owner) {
                continue;
            }
            loop {
                let word = place.state.load(SeqCst);
                if place.owner.load(SeqCst) != owner {
                    // it was given up before, and the word may be another one's
                    break;
                }
                if word & CODE == NOTIFIED
                    && let Some(next) = self.notify_before(word & !CODE)
                {
                    wake(next);
                }
                // it fails if it was notified in between
                if place.state.compare_exchange(word, 0, SeqCst, SeqCst).is_ok() {
                    let _ = place.owner.compare_exchange(owner, 0, SeqCst, SeqCst);
                    break;
                }
            }
        }
    }

    /// Who waits, and has not been notified.
    pub(crate) fn waiting(self) -> impl Iterator<Item = Who> {
        let waits = |place: &&Place| place.state.load(SeqCst) & CODE == WAITING;
        self.used().iter().filter(waits).map(|place| place.owner.load(SeqCst))
    }

    fn used(self) -> &'a [Place] {
        // another process has written it
        let used = (self.line.used.load(SeqCst) as usize).min(self.places.len());
        &self.places[..used]
    }
}

/// Tickets start again from 0 at some time.
fn is_earlier(ticket: u32, other: u32) -> bool {
    (ticket.wrapping_sub(other) as i32) < 0
}
