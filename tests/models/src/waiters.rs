//! `raw::waiters`, as `Condition` uses it.

use crate::checker::{self, Lock, Model, Note, futex, has_ended, knows_only, me, next_part};
use crate::raw::waiters::{Line, Place, Waiters, Waiting};
use crate::words::Words;

struct Condition {
    words: Words<Line, Place>,
    /// That of whoever uses the condition.
    lock: Lock,
    /// That of who passes on what was given to the dead.
    looks: Lock,
    /// What is waited for: each wait takes one of them.
    things: Note,
    /// Places that somebody has, a bit for each.
    taken: Note,
    /// How often somebody was notified, or is to be.
    notified: Note,
}

impl Condition {
    fn new(places: usize) -> Self {
        let (words, lock, looks) = (Words::new(places), Lock::new(), Lock::new());
        Self { words, lock, looks, things: Note::new(), taken: Note::new(), notified: Note::new() }
    }

    fn waiters(&self) -> Waiters<'_> {
        Waiters { line: &self.words.head, places: &self.words.slots }
    }

    fn wake(&self, place: usize) {
        futex::wake_one(&self.words.slots[place].state);
    }

    /// Takes the lock, and if its holder has died, which may have been notified, has all look again.
    fn enter(&self) {
        if self.lock.take() {
            self.waiters().notify_all(|place| self.wake(place));
        }
    }

    fn take_a_thing(&self) {
        self.enter();
        loop {
            knows_only(());
            let things = self.things.get();
            if things > 0 {
                self.things.set(things - 1);
                break;
            }
            knows_only(());
            self.wait();
        }
        self.lock.give();
    }

    fn wait(&self) {
        let waiting = self.waiters().come(me()).expect("a place");
        knows_only((waiting.place, waiting.word));
        self.lock.give();
        loop {
            knows_only((waiting.place, waiting.word));
            if self.waiters().is_notified(waiting) {
                break;
            }
            if !futex::wait(&self.words.slots[waiting.place].state, waiting.word) {
                self.look();
            }
        }
        knows_only(waiting.place);
        self.enter();
        knows_only(waiting.place);
        self.waiters().leave(waiting);
    }

    fn look(&self) {
        if self.looks.try_take() {
            self.waiters().pass_on(me(), |who| has_ended(who), |place| self.wake(place));
            self.looks.give();
        }
    }

    fn bring_a_thing(&self) {
        self.enter();
        self.things.add(1);
        self.lock.give();
        knows_only(());
        if let Some(place) = self.waiters().notify() {
            knows_only(place);
            self.wake(place);
        }
    }

    fn bring_two(&self) {
        self.enter();
        self.things.add(2);
        knows_only(());
        self.waiters().notify_all(|place| self.wake(place));
        self.lock.give();
    }

    /// No place is anybody's, so all can be had.
    fn is_vacant(&self) {
        assert!(self.words.slots.iter().all(|_| self.waiters().come(9).is_some()));
        assert!(self.waiters().come(9).is_none());
    }

    /// Those who sleep for ever have nothing to wait for, or nobody was left to notify them, which one of the names was to do; or who was
    /// notified died with the lock, and nobody has taken that since.
    fn is_fair(&self, asleep: u64, notifiers: u64) {
        let unfair = asleep != 0 && self.things.get() != 0 && checker::dead() & notifiers == 0 && !self.lock.was_left();
        assert!(!unfair, "{asleep:#b} sleep beside {} things", self.things.get());
    }
}

#[test]
fn each_notification_arrives() {
    let model = Model::new("condition: two wait, two notify", || Condition::new(2));
    let model = model.thread(Condition::bring_a_thing).thread(Condition::bring_a_thing);
    model.thread(Condition::take_a_thing).thread(Condition::take_a_thing).check(Condition::is_vacant);
}

#[test]
fn all_are_notified() {
    let model = Model::new("condition: two wait, all are notified", || Condition::new(2)).thread(Condition::bring_two);
    model.thread(Condition::take_a_thing).thread(Condition::take_a_thing).check(Condition::is_vacant);
}

#[test]
fn what_was_given_to_a_dead_one_is_passed_on() {
    let model = Model::new("condition: two wait, one notifies, one dies", || Condition::new(2)).deaths(1);
    let model = model.thread(Condition::take_a_thing).thread(Condition::take_a_thing).thread(Condition::bring_a_thing);
    model.check_with(|condition, asleep| condition.is_fair(asleep, 0b1000));
}

/// Somebody waits from the beginning, in the first places, by the names from 1 on.
struct Waited {
    condition: Condition,
    waiting: Vec<Waiting>,
}

impl Waited {
    fn begin(waiters: usize, places: usize) -> Self {
        let condition = Condition::new(places);
        let come = |i| condition.waiters().come(i as u64 + 1).expect("a place");
        let waiting = (0..waiters).map(come).collect();
        Self { condition, waiting }
    }

    fn waiters(&self) -> Waiters<'_> {
        self.condition.waiters()
    }

    fn waiting(&self) -> Waiting {
        self.waiting[me() as usize - 1]
    }

    /// Its time is over.
    fn give_up(&self) {
        let waiting = self.waiting();
        if !self.waiters().give_up(waiting) {
            self.condition.notified.add(1);
            self.waiters().leave(waiting);
        }
    }

    fn notify(&self) {
        let notified = self.waiters().notify();
        self.condition.things.add(notified.is_some().into());
    }

    /// How many are notified, and not gone yet.
    fn notified(&self) -> u64 {
        let states = self.condition.words.slots.iter().map(|place| place.state.peek());
        states.filter(|state| state & 3 == 2).count() as u64
    }
}

#[test]
fn who_gives_up_was_notified_or_not() {
    let model =
        Model::new("waiters: two give up, one stays, two notify", || Waited::begin(3, 3)).thread(Waited::give_up);
    let model = model.thread(Waited::give_up).thread(Waited::notify).thread(Waited::notify);
    model.check(|waited| {
        // one of those given up is not one that was notified; and while one stays, each finds somebody but the second one then
        let (given, had) = (waited.condition.things.get(), waited.condition.notified.get() + waited.notified());
        assert_eq!(given, had);
        assert!(given >= 1);
    });
}

/// The first one is dead, and was notified; who looks for it has a name that waits nowhere.
fn one_dead() -> Waited {
    let waited = Waited::begin(3, 3);
    assert_eq!(waited.waiters().notify(), Some(0));
    waited
}

fn pass_on(waited: &Waited) {
    let looks = &waited.condition.looks;
    if looks.try_take() {
        waited.waiters().pass_on(8, |who| who == 1, |_| {});
        looks.give();
    }
}

#[test]
fn what_was_given_to_the_dead_is_given_once() {
    let model = Model::new("waiters: two pass on", one_dead).thread(pass_on).thread(pass_on);
    model.check(|waited| {
        assert_eq!(waited.notified(), 1);
        assert_eq!(waited.waiters().come(9).map(|waiting| waiting.place), Some(0));
    });
    let model = Model::new("waiters: one passes on, one notifies", one_dead).thread(pass_on).thread(Waited::notify);
    model.check(|waited| assert_eq!(waited.notified(), 2));
    let model = Model::new("waiters: one notifies the dead, one passes on", || Waited::begin(3, 3));
    let model = model.thread(Waited::notify).thread(pass_on).thread(pass_on);
    model.check(|waited| {
        // the dead one's place may be as it was if nobody looked afterwards
        pass_on_again(waited);
        assert_eq!(waited.notified(), 1);
    });
}

fn pass_on_again(waited: &Waited) {
    waited.waiters().pass_on(8, |who| who == 1, |_| {});
}

#[test]
fn what_was_given_to_the_dead_is_given_although_the_next_one_dies() {
    let model = Model::new("waiters: two pass on, two die", one_dead).thread(pass_on).thread(pass_on).deaths(2);
    model.check(|waited| {
        pass_on_again(waited);
        assert!((1..=2).contains(&waited.notified()));
    });
}

#[test]
fn a_place_is_had_by_one() {
    let come_and_go = |condition: &Condition| {
        for _ in 0..2 {
            next_part();
            knows_only(());
            let Some(waiting) = condition.waiters().come(me()) else { continue };
            let taken = condition.taken.insert(waiting.place as u64);
            assert_eq!(taken & 1 << waiting.place, 0, "it is somebody's");
            let leaves = condition.waiters().is_notified(waiting);
            // from its first store on it may be another one's
            condition.taken.remove(waiting.place as u64);
            if leaves || !condition.waiters().give_up(waiting) {
                condition.notified.add(1);
                condition.waiters().leave(waiting);
            }
        }
    };
    let model = Model::new("waiters: two come and go, one place", || Condition::new(1));
    let model = model.thread(come_and_go).thread(come_and_go);
    let notify = |condition: &Condition| _ = condition.things.add(condition.waiters().notify().is_some().into());
    model.thread(notify).check(|condition| {
        assert_eq!(condition.notified.get(), condition.things.get(), "who was notified, and who thinks so");
        condition.is_vacant();
    });
}

#[test]
fn a_place_of_one_that_has_ended_is_not_taken_from_the_next() {
    let notified = || {
        let waited = Waited::begin(1, 1);
        assert_eq!(waited.waiters().notify(), Some(0));
        waited
    };
    let model = Model::new("waiters: one ends, one looks, one comes", notified);
    let model = model.thread(|waited| waited.waiters().leave(waited.waiting()));
    let model = model.thread(|waited| waited.waiters().pass_on(8, |who| has_ended(who), |_| {}));
    let come = |waited: &Waited| {
        if let Some(waiting) = waited.waiters().come(me()) {
            assert!(waited.waiters().give_up(waiting), "nobody notified it");
        }
    };
    model.thread(come).check(|waited| waited.condition.is_vacant());
}
