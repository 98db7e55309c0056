//! Waiting for a process.
use carom::{Event, JoinError, Process, task};

use std::time::Duration;

use crate::common::watchdog;
use crate::stage::{HOUR, pool_of, the_next_are_not_hit};

#[carom::task]
fn stay(until: Event) {
    until.wait();
}

/// Whether the limit ended all that waited for the process, and the process could be joined after.
#[carom::task(soft_timeout = "20ms")]
fn wait_for_a_process() -> bool {
    let until = Event::new().expect("memory");
    let process = Process::spawn(stay, until.clone()).expect("spawn");
    let waits = [process.join().err(), process.join_timeout(HOUR).err(), process.join().err()];
    let ended = |error: &JoinError| {
        let named = error.to_string() == format!("process `{}` did not end in time", process.name());
        named && std::error::Error::source(error).is_some_and(|source| source.is::<task::SoftTimeLimitExceeded>())
    };
    let all_ended = waits.iter().all(|error| error.as_ref().is_some_and(ended));
    assert!(process.join_timeout(Duration::ZERO).expect("who looks is not ended").is_none());
    until.set();
    let status = loop {
        if let Some(status) = process.join_timeout(Duration::ZERO).expect("who looks is not ended") {
            break status;
        }
        std::thread::yield_now();
    };
    all_ended && status.success() && process.join().is_ok_and(|status| status.success())
}

#[carom::test]
fn join_ends_with_an_error_and_the_process_can_be_joined_later() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    assert!(pool.apply(wait_for_a_process, ()).expect("a result"));
    the_next_are_not_hit(&pool);
}

#[carom::task(soft_timeout = "20ms")]
fn give_up_on_a_process() -> carom::Result<(), carom::RemoteError> {
    let process = Process::spawn(stay, Event::new()?)?;
    let joined = process.join();
    process.kill()?;
    let _ = joined?;
    Ok(())
}

#[carom::test]
fn its_error_travels() {
    let _watchdog = watchdog();
    let error = pool_of(1).apply(give_up_on_a_process, ()).expect("an output").expect_err("the limit");
    assert_eq!(error.sources().collect::<Vec<_>>(), ["the soft time limit of the task has passed"]);
}

#[carom::task(soft_timeout = "1h")]
fn wait_briefly() -> bool {
    let process = Process::spawn(stay, Event::new().expect("memory")).expect("spawn");
    let none = process.join_timeout(Duration::from_millis(1)).expect("no limit").is_none();
    process.kill().expect("kill");
    none && process.join().expect("no limit").signal().is_some()
}

#[carom::test]
fn a_timeout_before_the_limit_is_one() {
    let _watchdog = watchdog();
    assert!(pool_of(1).apply(wait_briefly, ()).expect("a result"));
}
