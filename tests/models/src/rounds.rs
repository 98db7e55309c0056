//! `raw::rounds`, as `Barrier` uses it.

use crate::checker::{self, Lock, Model, Note, futex, has_ended, knows_only, me, next_part};
use crate::raw::rounds::{Arrived, Outcome, Refusal, Round, Rounds, SLOTS};
use crate::words::Words;

/// Why a round was broken.
const DIED: u64 = 7;
const ABORTED: u64 = 8;

struct Barrier {
    words: Words<Round>,
    lock: Lock,
    /// For each round, by its number: how many were told that it is over, and how many that it was not.
    over: [Note; 4],
    not_over: [Note; 4],
    /// For each round, those who arrived, a bit for each index.
    arrived: [Note; 4],
}

impl Barrier {
    fn new(parties: usize) -> Self {
        let notes = || std::array::from_fn(|_| Note::new());
        Self {
            words: Words::new(SLOTS * parties),
            lock: Lock::new(),
            over: notes(),
            not_over: notes(),
            arrived: notes(),
        }
    }

    fn rounds(&self) -> Rounds<'_> {
        Rounds { round: &self.words.head, slots: &self.words.slots }
    }

    fn wake(&self) {
        futex::wake_all(&self.words.head.word);
    }

    fn enter(&self) {
        if self.lock.take() {
            self.break_up(DIED);
        }
    }

    fn break_up(&self, why: u64) {
        self.rounds().break_up(why);
        self.wake();
    }

    fn meet(&self) -> Outcome {
        let arrived = match self.arrive() {
            Ok(arrived) => arrived,
            Err(why) => return Outcome::Broken(why),
        };
        let round = arrived.word as usize >> 1;
        let outcome = if self.rounds().is_last(arrived) {
            self.enter();
            let outcome = self.rounds().end(arrived);
            self.lock.give();
            self.wake();
            outcome
        } else {
            loop {
                let outcome = self.rounds().look(arrived);
                if outcome != Outcome::Pending {
                    break outcome;
                }
                if !futex::wait(&self.words.head.word, arrived.word) {
                    self.look_for_the_dead(arrived);
                }
            }
        };
        let told = if outcome == Outcome::Over {
            self.rounds().leave(arrived);
            &self.over
        } else {
            &self.not_over
        };
        told[round].add(1);
        outcome
    }

    fn arrive(&self) -> Result<Arrived, u64> {
        next_part();
        loop {
            knows_only(());
            self.enter();
            let result = self.rounds().arrive(me());
            if let Ok(arrived) = result {
                let note = &self.arrived[arrived.word as usize >> 1];
                let before = note.insert(arrived.index as u64);
                assert_eq!(before & 1 << arrived.index, 0, "two have the same index");
            }
            self.lock.give();
            match result {
                Ok(arrived) => return Ok(arrived),
                Err(Refusal::Broken(why)) => return Err(why),
                Err(Refusal::Full(word)) => _ = futex::wait(&self.words.head.word, word),
            }
        }
    }

    fn look_for_the_dead(&self, arrived: Arrived) {
        let dead = self.rounds().waiting().chain(self.rounds().not_left()).find(|who| has_ended(*who));
        if dead.is_some() {
            self.enter();
            if self.rounds().look(arrived) == Outcome::Pending {
                self.break_up(DIED);
            }
            self.lock.give();
        }
    }

    fn reset(&self) {
        self.enter();
        self.rounds().reset();
        self.lock.give();
        self.wake();
    }

    fn abort(&self) {
        self.enter();
        self.break_up(ABORTED);
        self.lock.give();
    }

    /// Meets, again if it was reset.
    fn meet_at_last(&self) {
        while self.meet() == Outcome::Reset {}
    }

    /// A round was over for all who were told, or for none.
    fn agrees(&self) {
        for (over, not_over) in self.over.iter().zip(&self.not_over) {
            assert!(over.get() == 0 || not_over.get() == 0, "over for {}, and not for {}", over.get(), not_over.get());
        }
    }

    /// How many rounds were over.
    fn rounds_over(&self) -> usize {
        self.agrees();
        self.over.iter().filter(|told| told.get() > 0).count()
    }
}

#[test]
fn all_go_on_when_all_have_arrived() {
    let meet = |barrier: &Barrier| assert_eq!(barrier.meet(), Outcome::Over);
    let model = Model::new("rounds: two parties", || Barrier::new(2)).thread(meet).thread(meet);
    model.check(|barrier| assert_eq!(barrier.rounds_over(), 1));
    let model = Model::new("rounds: three parties", || Barrier::new(3)).thread(meet).thread(meet).thread(meet);
    model.check(|barrier| assert_eq!(barrier.rounds_over(), 1));
}

#[test]
fn a_round_follows_the_other() {
    let meet_thrice = |barrier: &Barrier| (0..3).for_each(|_| assert_eq!(barrier.meet(), Outcome::Over));
    let model =
        Model::new("rounds: two parties, three rounds", || Barrier::new(2)).thread(meet_thrice).thread(meet_thrice);
    model.check(|barrier| assert_eq!(barrier.rounds_over(), 3));
    let meet_twice = |barrier: &Barrier| (0..2).for_each(|_| assert_eq!(barrier.meet(), Outcome::Over));
    let model = Model::new("rounds: three parties, two rounds", || Barrier::new(3)).thread(meet_twice);
    model.thread(meet_twice).thread(meet_twice).check(|barrier| assert_eq!(barrier.rounds_over(), 2));
}

#[test]
fn who_waited_is_told_of_a_reset() {
    let model = Model::new("rounds: two parties, reset", || Barrier::new(2)).thread(Barrier::reset);
    let model = model.thread(Barrier::meet_at_last).thread(Barrier::meet_at_last);
    model.check(|barrier| {
        assert_eq!(barrier.rounds_over(), 1);
        assert!(barrier.over.iter().any(|told| told.get() == 2));
    });
}

#[test]
fn who_waited_is_told_that_the_round_is_broken() {
    let meet = |barrier: &Barrier| {
        let outcome = barrier.meet();
        assert!([Outcome::Over, Outcome::Broken(ABORTED)].contains(&outcome), "{outcome:?}");
    };
    let model = Model::new("rounds: two parties, aborted", || Barrier::new(2)).thread(Barrier::abort);
    model.thread(meet).thread(meet).check(|barrier| {
        barrier.agrees();
        assert!(barrier.rounds().is_broken());
    });
}

#[test]
fn a_broken_barrier_is_whole_again_after_a_reset() {
    let broken = || {
        let barrier = Barrier::new(2);
        barrier.rounds().break_up(ABORTED);
        barrier
    };
    let meet = |barrier: &Barrier| {
        let outcome = barrier.meet();
        assert!([Outcome::Over, Outcome::Broken(ABORTED)].contains(&outcome));
    };
    let model = Model::new("rounds: broken, reset, and met by two", broken).thread(Barrier::reset);
    model.thread(meet).thread(meet).check_with(|barrier, asleep| {
        barrier.agrees();
        assert!(!barrier.rounds().is_broken());
        // one who came before the reset is gone, and the other one waits for it
        assert!(asleep.count_ones() <= 1);
    });
}

#[test]
fn who_waits_is_told_that_another_died() {
    let meet = |barrier: &Barrier| _ = barrier.meet();
    let check = |barrier: &Barrier, asleep: u64| {
        barrier.agrees();
        // a dead one that had not arrived is not known; otherwise nobody waits for it
        let waits_for_the_dead = barrier.rounds().waiting().any(|who| checker::dead() & 1 << who != 0);
        assert!(asleep == 0 || !waits_for_the_dead, "{asleep:#b} wait for a dead one");
    };
    let model = Model::new("rounds: two parties, one dies", || Barrier::new(2)).deaths(1);
    model.thread(meet).thread(meet).check_with(check);
    let model = Model::new("rounds: three parties, one dies", || Barrier::new(3)).deaths(1);
    model.thread(meet).thread(meet).thread(meet).check_with(check);
    let meet_twice = |barrier: &Barrier| (0..2).for_each(|_| _ = barrier.meet());
    let model = Model::new("rounds: two parties, two rounds, one dies", || Barrier::new(2)).deaths(1);
    model.thread(meet_twice).thread(meet_twice).check_with(check);
}
