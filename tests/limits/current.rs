//! What a task can know of its call, also in threads that it starts.
use std::time::Duration;

use carom::{Event, pipe, task};

use crate::common::watchdog;
use crate::stage::{pool_of, until_it_has_passed};

type Told = (Option<String>, u32, Option<Duration>, bool);

fn tell() -> Told {
    let current = task::current();
    (current.name().map(str::to_owned), current.attempt(), current.time_left(), current.soft_limit_exceeded())
}

#[carom::task(soft_timeout = "1h")]
fn limited() -> Told {
    tell()
}

#[carom::task(name = "another.name")]
fn unlimited() -> Told {
    // a function like others, here
    limited()
}

#[carom::task(soft_timeout = "1ms")]
fn late() -> Told {
    until_it_has_passed();
    tell()
}

#[carom::test]
fn a_task_knows_its_name_and_its_limit() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    let (name, attempt, left, exceeded) = pool.apply(limited, ()).expect("a result");
    assert_eq!((name.as_deref(), attempt, exceeded), (Some("limits::current::limited"), 0, false));
    let hour = Duration::from_secs(3600);
    assert!(left.is_some_and(|left| left <= hour && left > hour / 2), "{left:?}");
    let (name, attempt, left, exceeded) = pool.apply(unlimited, ()).expect("a result");
    assert_eq!((name.as_deref(), attempt, left, exceeded), (Some("another.name"), 0, None, false));
    let (_, _, left, exceeded) = pool.apply(late, ()).expect("a result");
    assert_eq!((left, exceeded), (Some(Duration::ZERO), true));
    assert_eq!(tell(), (None, 0, None, false));
}

#[carom::task(soft_timeout = "1ms")]
fn start_a_thread() -> bool {
    let current = task::current();
    let thread = std::thread::spawn(move || {
        while !current.soft_limit_exceeded() {
            std::thread::yield_now();
        }
        let moment = Duration::from_millis(2);
        let waited = task::catch_soft_limit(|| Event::new().expect("memory").wait_timeout(moment));
        let (one, _other) = pipe::<(), ()>().expect("a pipe");
        let polled = one.poll(moment).expect("no limit");
        let own = task::current();
        let of_the_task = (current.name().is_some(), current.time_left()) == (true, Some(Duration::ZERO));
        task::sleep(moment).is_ok() && waited == Ok(false) && !polled && own.name().is_none() && of_the_task
    });
    thread.join().expect("no panic")
}

#[carom::test]
fn a_thread_that_the_task_starts_can_ask_and_is_not_ended() {
    let _watchdog = watchdog();
    assert!(pool_of(1).apply(start_a_thread, ()).expect("a result"));
}
