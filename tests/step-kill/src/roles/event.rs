//! Processes that wait for an event, and others that set it and clear it at once or later.

use std::time::Duration;

use carom::Event;
use carom_step_kill::{Fault, Kind, PATIENCE, Part, Role, Scene};

/// How long an event stays set at most, and how long it is clear, in microseconds.
const SET: u64 = 50;
const CLEAR: u64 = 300;

fn set(event: &Event, part: &mut Part) {
    event.set();
    if part.seed.below(2) == 0 {
        part.rest(SET);
    }
    event.clear();
    part.rest(CLEAR);
}

/// There is always one who sets it, so whoever waits in vain has missed it some thousand times.
fn wait(event: &Event, part: &mut Part) -> Result<(), Fault> {
    match part.seed.below(3) {
        0 => _ = event.wait_timeout(Duration::from_micros(part.seed.below(CLEAR))),
        1 => {
            Kind::Lost.unless(event.wait_timeout(PATIENCE), "it was set again and again, and the waiter saw nothing")?
        }
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
    let (to_set, to_await) = (event.clone(), event.clone());
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
