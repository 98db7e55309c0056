//! The limit is of one call, also where several go to a worker at once.
use carom::{Event, Process, RawValue, task};

use crate::common::watchdog;
use crate::stage::{HOUR, pool_of, until_it_has_passed};

/// Waits for ever if it is told to.
#[carom::task(soft_timeout = "10ms")]
fn same(number: u32, waits: bool) -> u32 {
    if waits {
        Event::new().expect("memory").wait();
    }
    number
}

#[carom::task(soft_timeout = "10ms")]
fn in_words(number: u32, waits: bool) -> String {
    same(number, waits).to_string()
}

#[carom::test]
fn each_call_of_a_chunk_has_its_own_limit() {
    let _watchdog = watchdog();
    let pool = pool_of(2);
    for size in [1, 3, 12] {
        let inputs = || (0..12).map(|number| (number, number % 3 == 1));
        let numbers: Vec<_> = pool.job(same).chunk_size(size).imap(inputs()).collect();
        let texts: Vec<_> = pool.job(in_words).chunk_size(size).imap(inputs()).collect();
        assert_eq!((numbers.len(), texts.len()), (12, 12));
        for (i, (number, text)) in (0..).zip(numbers.into_iter().zip(texts)) {
            if i % 3 == 1 {
                for error in [number.expect_err("the limit"), text.expect_err("the limit")] {
                    assert!(error.is_soft_timeout() && error.index() == Some(i as usize), "{error}");
                }
            } else {
                assert_eq!((number.expect("a result"), text.expect("a result")), (i, i.to_string()));
            }
        }
    }
    let error = pool.map(same, [(1, false), (2, true)]).expect_err("the limit");
    assert!(error.is_soft_timeout());
    assert_eq!(error.to_string(), "task `limits::calls::same` was ended by its soft time limit (input 1)");
}

/// Whether the limit has passed; the first goes on until it has.
#[carom::task(soft_timeout = "2s")]
fn linger(is_first: bool) -> bool {
    let has_passed = task::current().soft_limit_exceeded();
    if is_first {
        until_it_has_passed();
    }
    has_passed
}

#[carom::test]
fn the_time_begins_with_each_call() {
    let _watchdog = watchdog();
    let passed = pool_of(1).job(linger).chunk_size(3).map([true, false, false]).expect("results");
    assert_eq!(passed, [false; 3]);
}

/// Stores whether there was a limit.
#[carom::task(soft_timeout = "1ms")]
fn in_a_process(limited: RawValue<u32>) {
    let current = task::current();
    let short = std::time::Duration::from_millis(5);
    let ended = task::sleep(short).is_err() || current.name().is_some() || current.time_left().is_some();
    limited.store(1 + u32::from(ended));
}

#[carom::test]
fn a_process_has_no_limit() {
    let _watchdog = watchdog();
    let limited = RawValue::new(0).expect("memory");
    let process = Process::spawn(in_a_process, limited.clone()).expect("spawn");
    process.join().expect("join").exit_ok().expect("success");
    assert_eq!(limited.load(), 1);
    in_a_process(limited.clone());
    assert_eq!(limited.load(), 1);
}

/// What is sent when the input is decoded is not there before; so it waits, in the worker.
#[derive(serde::Serialize)]
struct Late(Event);

impl<'de> serde::Deserialize<'de> for Late {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let event = Event::deserialize(deserializer)?;
        event.wait();
        Ok(Self(event))
    }
}

#[carom::task(soft_timeout = "10ms")]
fn take(late: Late) -> bool {
    late.0.is_set()
}

#[carom::test]
fn decoding_the_input_is_a_part_of_the_call() {
    let _watchdog = watchdog();
    let event = Event::new().expect("memory");
    let pool = pool_of(1);
    assert!(pool.apply(take, Late(event.clone())).expect_err("the limit").is_soft_timeout());
    let set = Event::new().expect("memory");
    set.set();
    let inputs = [&event, &set, &event, &set].map(|event| Late(event.clone()));
    let results: Vec<_> = pool.job(take).chunk_size(4).imap(inputs).map(|result| result.is_ok()).collect();
    assert_eq!(results, [false, true, false, true]);
}

#[carom::task(soft_timeout = "10ms")]
fn sleep() -> bool {
    let ended = [task::sleep(HOUR), task::sleep(HOUR)].iter().all(Result::is_err);
    ended && task::sleep(std::time::Duration::ZERO).is_ok()
}

#[carom::test]
fn sleep_ends_at_the_limit() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    assert!(pool.apply(sleep, ()).expect("a result"));
    crate::stage::the_next_are_not_hit(&pool);
}
