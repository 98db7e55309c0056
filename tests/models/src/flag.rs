//! `raw::flag`, as `Event` uses it.

use crate::checker::{Model, Note, futex};
use crate::raw::flag::{Flag, Seen};
use crate::words::Words;

struct Event {
    words: Words<Flag>,
    /// What those saw who came before anything was done.
    came: Seen,
    /// How often somebody began to set it.
    set: Note,
}

impl Event {
    fn new() -> Self {
        let words: Words<Flag> = Words::new(0);
        Self { came: words.head.come(), words, set: Note::new() }
    }

    fn set(&self) {
        self.set.add(1);
        self.words.head.set();
        futex::wake_all(self.words.head.word());
    }

    fn pulse(&self) {
        self.set();
        self.words.head.clear();
    }

    fn wait_since(&self, seen: Seen) {
        while let Some(word) = self.words.head.pending(seen) {
            futex::wait(self.words.head.word(), word);
        }
        assert_ne!(self.set.get(), 0, "nobody has set it");
    }

    fn wait(&self) {
        self.wait_since(self.words.head.come());
    }

    fn wait_since_begin(&self) {
        self.wait_since(self.came);
    }
}

#[test]
fn a_flag_wakes_who_waits() {
    Model::new("flag: set, two wait", Event::new).thread(Event::set).thread(Event::wait).thread(Event::wait).check(
        |event| {
            assert!(event.words.head.is_set());
        },
    );
}

#[test]
fn who_came_before_is_woken_by_a_flag_that_is_cleared_at_once() {
    let model = Model::new("flag: pulse, two have come", Event::new).thread(Event::pulse);
    model.thread(Event::wait_since_begin).thread(Event::wait_since_begin).check(|event| {
        assert!(!event.words.head.is_set());
    });
}

#[test]
fn two_pulses_do_not_undo_each_other() {
    let model = Model::new("flag: two pulses, two have come", Event::new).thread(Event::pulse).thread(Event::pulse);
    model.thread(Event::wait_since_begin).thread(Event::wait_since_begin).check(|_| {});
}

#[test]
fn a_flag_that_was_cleared_is_set_again() {
    let set_again = |event: &Event| {
        event.pulse();
        event.set();
    };
    let model = Model::new("flag: pulse and set, two wait", Event::new).thread(set_again);
    model.thread(Event::wait).thread(Event::wait_since_begin).check(|event| assert!(event.words.head.is_set()));
}

#[test]
fn whoever_dies_the_others_go_on() {
    let model =
        Model::new("flag: two set, two wait, two die", Event::new).deaths(2).thread(Event::set).thread(Event::set);
    model.thread(Event::wait).thread(Event::wait).check_with(|event, asleep| {
        // unless both were killed before they set it
        assert!(asleep == 0 || !event.words.head.is_set());
        assert!(asleep == 0 || crate::checker::dead() == 0b110);
    });
}
