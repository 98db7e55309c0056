//! Processes that wait for an event, and others that set it and clear it at once or later.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use carom::{Event, RawValue};
use carom_step_kill::{Fault, Kind, PATIENCE, Part, Role, Scene};

/// How long an event stays set at most, and how long it is clear, in microseconds.
const SET: u64 = 50;
const CLEAR: u64 = 300;

#[derive(Clone)]
struct Stage {
    event: Event,
    /// How often the event was set.
    sets: RawValue<AtomicU64>,
}

/// So many, a waiter does not miss.
const MANY: u64 = 20;

fn set(Stage { event, sets }: &Stage, part: &mut Part) {
    event.set();
    sets.fetch_add(1, Relaxed);
    if part.seed.below(2) == 0 {
        part.rest(SET);
    }
    event.clear();
    part.rest(CLEAR);
}

fn wait(Stage { event, sets }: &Stage, part: &mut Part) -> Result<(), Fault> {
    let in_vain = || {
        let before = sets.load(Relaxed);
        !event.wait_timeout(PATIENCE) && sets.load(Relaxed) - before > MANY
    };
    match part.seed.below(3) {
        0 => _ = event.wait_timeout(Duration::from_micros(part.seed.below(CLEAR))),
        // twice, because a waiter that has no processor for so long has not waited
        1 => Kind::Lost.unless(!in_vain() || !in_vain(), "it was set again and again, and the waiter saw nothing")?,
        _ => event.wait(),
    }
    part.rest(SET);
    Ok(())
}

/// When nobody is left.
fn check(event: &Event) -> Result<(), Fault> {
    event.set();
    Kind::Lost.unless(event.wait_timeout(PATIENCE), "it is not set after all")?;
    event.clear();
    Kind::Untrue.unless(!event.wait_timeout(Duration::from_millis(1)), "it is not clear after all")
}

pub(super) fn scene() -> Scene {
    let event = Event::new().expect("memory");
    let stage = Stage { event: event.clone(), sets: RawValue::new(AtomicU64::new(0)).expect("memory") };
    let (to_set, to_await) = (stage.clone(), stage);
    let set = move |part: &mut Part| {
        set(&to_set, part);
        Ok(())
    };
    Scene {
        name: "Event",
        roles: vec![
            Role { name: "set, clear", players: 1, round: Box::new(set) },
            Role { name: "wait", players: 3, round: Box::new(move |part| wait(&to_await, part)) },
        ],
        check: Box::new(move || check(&event)),
    }
}
