//! `raw::permits`, as `Semaphore` uses it.

use std::panic::Location;

use crate::checker::{self, Lock, Model, Note, futex, has_ended, knows_only, me, next_part};
use crate::raw::permits::{Counts, Permits};
use crate::words::Words;

struct Semaphore {
    words: Words<Counts>,
    baton: Lock,
    /// Those who have a permit, a bit for each name.
    holders: Note,
    /// How many permits were added, and how many were taken for good.
    added: Note,
    kept: Note,
    /// Those who are about to.
    keeping: Note,
}

impl Semaphore {
    fn new(permits: u32, slots: usize) -> Self {
        let words = Words::new(slots);
        let note = Note::new;
        let (baton, holders) = (Lock::new(), note());
        let semaphore = Self { words, baton, holders, added: note(), kept: note(), keeping: note() };
        semaphore.permits().begin(permits);
        semaphore.added.set(permits.into());
        semaphore
    }

    fn permits(&self) -> Permits<'_> {
        Permits { counts: &self.words.head, slots: &self.words.slots }
    }

    fn wake(&self, wakes: bool) {
        if wakes {
            futex::wake_one(&self.permits().counts.sleeping);
        }
    }

    fn try_acquire(&self) -> Option<usize> {
        self.permits().take(me()).or_else(|| {
            // that it is time for it is a matter of chance
            knows_only(());
            if !checker::time_passes() {
                return None;
            }
            let wakes = self.permits().recover(me(), |who| has_ended(who));
            knows_only(wakes);
            self.wake(wakes);
            knows_only(());
            self.permits().take(me())
        })
    }

    fn acquire(&self) -> usize {
        next_part();
        let slot = self.permits().take(me()).unwrap_or_else(|| self.wait());
        knows_only(slot);
        let holders = self.holders.add(1 << me()) & !checker::dead();
        assert!(u64::from(holders.count_ones()) <= self.added.get(), "more permits than there are: {holders:#b}");
        // while it has the permit, others run
        checker::step(Location::caller());
        slot
    }

    fn wait(&self) -> usize {
        knows_only(());
        self.baton.take();
        let slot = loop {
            knows_only(());
            self.permits().announce();
            if let Some(slot) = self.try_acquire() {
                break slot;
            }
            knows_only(());
            futex::wait(&self.permits().counts.sleeping, 1);
        };
        knows_only(slot);
        self.permits().awake();
        self.baton.give();
        slot
    }

    fn release(&self, slot: usize) {
        self.holders.remove(me());
        knows_only(slot);
        let wakes = self.permits().give(slot);
        knows_only(wakes);
        self.wake(wakes);
    }

    fn use_it(&self) {
        self.release(self.acquire());
    }

    fn use_it_twice(&self) {
        self.use_it();
        self.use_it();
    }

    fn take_for_good(&self) {
        let slot = self.acquire();
        self.holders.remove(me());
        self.keeping.insert(me());
        knows_only(slot);
        let wakes = self.permits().keep(slot);
        self.keeping.remove(me());
        self.kept.add(1);
        knows_only(wakes);
        self.wake(wakes);
    }

    fn add(&self, permits: u32) {
        // before it is so, and the same to who looks
        self.added.add(permits.into());
        let wakes = self.permits().add(permits).expect("few permits");
        self.wake(wakes);
    }

    /// How many are there at the end, when those of the dead have come back.
    fn left(&self) -> u64 {
        self.permits().recover(9, |_| true);
        let left = self.permits().available();
        // and so many can be taken, at once
        let can_be_taken = (0..left).filter_map(|_| self.permits().take(9)).count();
        assert!(can_be_taken == left as usize || can_be_taken == self.words.slots.len());
        left.into()
    }

    /// No permit was lost, or made of nothing.
    fn conserves(&self) {
        self.conserves_but_for(0, 0, 0);
    }

    /// The same, where some sleep for ever because there is no permit, and where one may have died that was to add permits.
    fn conserves_but_for(&self, asleep: u64, adder: u64, permits: u64) {
        let (left, added) = (self.left(), self.added.get());
        // of what somebody was about to do when it died, it is not known whether it is done
        let kept = self.kept.get();
        let kept = kept..=kept + u64::from((self.keeping.get() & checker::dead()).count_ones());
        let fewer = if checker::dead() & 1 << adder != 0 { permits } else { 0 };
        let possible = kept.clone().any(|kept| [added, added - fewer].contains(&(left + kept)));
        assert!(possible, "{left} left and {kept:?} kept of {added}");
        assert!(asleep == 0 || left == 0, "{asleep:#b} sleep beside {left} permits");
    }
}

#[test]
fn one_permit_is_one_permit() {
    let model = Model::new("permits: 1, two take twice", || Semaphore::new(1, 1));
    model.thread(Semaphore::use_it_twice).thread(Semaphore::use_it_twice).check(Semaphore::conserves);
}

#[test]
fn nobody_misses_that_a_permit_came_back() {
    let model = Model::new("permits: 1, three take", || Semaphore::new(1, 1));
    let model = model.thread(Semaphore::use_it).thread(Semaphore::use_it).thread(Semaphore::use_it);
    model.check(Semaphore::conserves);
}

#[test]
fn two_permits_for_three() {
    let model = Model::new("permits: 2, three take", || Semaphore::new(2, 2));
    let model = model.thread(Semaphore::use_it).thread(Semaphore::use_it).thread(Semaphore::use_it);
    model.check(Semaphore::conserves);
}

#[test]
fn the_permit_of_a_dead_one_comes_back() {
    let model = Model::new("permits: 1, two take twice, one dies", || Semaphore::new(1, 1)).deaths(1);
    let model = model.thread(Semaphore::use_it_twice).thread(Semaphore::use_it_twice);
    model.check(Semaphore::conserves);
    let model = Model::new("permits: 1, three take, one dies", || Semaphore::new(1, 1)).deaths(1);
    let model = model.thread(Semaphore::use_it).thread(Semaphore::use_it).thread(Semaphore::use_it);
    model.check(Semaphore::conserves);
}

#[test]
fn the_permits_of_two_dead_ones_come_back() {
    let model = Model::new("permits: 1, three take, two die", || Semaphore::new(1, 1)).deaths(2);
    let model = model.thread(Semaphore::use_it).thread(Semaphore::use_it).thread(Semaphore::use_it);
    model.check(Semaphore::conserves);
}

#[test]
fn permits_that_are_added_wake_those_who_wait() {
    let model = Model::new("reserve: 2 added, one takes for good", || Semaphore::new(0, 2));
    let model = model.thread(Semaphore::take_for_good).thread(|semaphore| semaphore.add(2));
    model.check(Semaphore::conserves);
}

#[test]
fn a_slot_is_used_again_for_the_reserve() {
    let model = Model::new("reserve: 1 slot, 1 + 1 added, two take", || Semaphore::new(1, 1));
    let model = model.thread(Semaphore::take_for_good).thread(Semaphore::take_for_good);
    let model = model.thread(|semaphore| semaphore.add(1));
    model.check(Semaphore::conserves);
}

/// With one slot, of which nothing was ever used, and with so many permits in the reserve.
fn reserve(permits: u32) -> Semaphore {
    let semaphore = Semaphore::new(0, 1);
    semaphore.add(permits);
    semaphore
}

#[test]
fn a_move_is_completed_once() {
    let model = Model::new("reserve: 2 are moved by two", || reserve(2));
    model.thread(Semaphore::take_for_good).thread(Semaphore::take_for_good).check(Semaphore::conserves);
}

#[test]
fn who_counts_helps() {
    let model = Model::new("reserve: 1 is moved by one and counted", || reserve(1)).thread(Semaphore::take_for_good);
    model.thread(|semaphore| assert!(semaphore.permits().available() <= 1)).check(Semaphore::conserves);
}

#[test]
fn who_helps_late_does_nothing() {
    let take_two = |semaphore: &Semaphore| (0..2).for_each(|_| semaphore.take_for_good());
    let model = Model::new("reserve: 2 are moved by one and counted", || reserve(2)).thread(take_two);
    model.thread(|semaphore| assert!(semaphore.permits().available() <= 2)).check(Semaphore::conserves);
}

#[test]
fn a_move_survives_who_made_it() {
    let model = Model::new("reserve: 2 are moved by two, two die", || reserve(2)).deaths(2);
    model.thread(Semaphore::take_for_good).thread(Semaphore::take_for_good).check(Semaphore::conserves);
}

#[test]
fn whoever_dies_no_permit_is_lost() {
    let model = Model::new("reserve: 1 added, two take, one dies", || Semaphore::new(1, 1)).deaths(1);
    let model = model.thread(Semaphore::take_for_good).thread(Semaphore::use_it).thread(|semaphore| semaphore.add(1));
    model.check_with(|semaphore, asleep| semaphore.conserves_but_for(asleep, 3, 1));
}

#[test]
fn a_permit_that_was_kept_is_restored_once() {
    let ready = || {
        let semaphore = Semaphore::new(1, 1);
        let slot = semaphore.permits().take(9).expect("a permit");
        semaphore.permits().keep(slot);
        semaphore.added.set(0);
        semaphore
    };
    let restore = |semaphore: &Semaphore| {
        semaphore.added.add(1);
        match semaphore.permits().restore() {
            Some(wakes) => semaphore.wake(wakes),
            None => semaphore.added.subtract(1),
        }
    };
    let model = Model::new("permits: restored by two, one takes", ready).thread(restore).thread(restore);
    model.thread(Semaphore::use_it).check(Semaphore::conserves);
}
