//! What several of the tests use: a pool, a way to be past the limit, and calls that show whether a worker is as it was.
use std::time::Duration;

use carom::{Event, Pool, task};

/// So long that it never comes.
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

#[track_caller]
pub(crate) fn pool_of(processes: usize) -> Pool {
    Pool::builder().processes(processes).build().expect("a pool")
}

/// Returns when the limit of this thread's call has passed.
#[track_caller]
pub(crate) fn until_it_has_passed() {
    task::sleep(HOUR).expect_err("it passes");
}

/// Waits for a while, in several ways; whether nothing ended that.
fn waits_a_while(never: &Event) -> bool {
    let moment = Duration::from_millis(2);
    let waited = || task::sleep(moment).is_ok() && !never.wait_timeout(moment);
    task::catch_soft_limit(waited) == Ok(true)
}

#[carom::task]
fn without_limit(never: Event) -> bool {
    waits_a_while(&never) && task::current().time_left().is_none() && !task::current().soft_limit_exceeded()
}

#[carom::task(soft_timeout = "1h")]
fn with_a_limit_of_its_own(never: Event) -> bool {
    waits_a_while(&never) && task::current().time_left().is_some_and(|left| left > HOUR / 2 && left <= HOUR)
}

#[carom::task]
pub(crate) fn whoami() -> u32 {
    std::process::id()
}

/// Whether the calls that the one worker runs next are not hit by a limit of the one before.
#[track_caller]
pub(crate) fn the_next_are_not_hit(pool: &Pool) {
    let never = Event::new().expect("an event");
    assert!(pool.apply(without_limit, never.clone()).expect("a result"));
    assert!(pool.apply(with_a_limit_of_its_own, never).expect("a result"));
}
