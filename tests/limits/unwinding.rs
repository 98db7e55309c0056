//! How a call unwinds: past destructors, and to who catches it.
use carom::{Event, RemoteError, task};

use crate::common::watchdog;
use crate::stage::{HOUR, pool_of, the_next_are_not_hit, until_it_has_passed, whoami};

#[carom::task(soft_timeout = "20ms")]
fn never() {
    Event::new().expect("memory").wait();
}

/// Sets the first event when it is dropped, and waits for the second.
struct Farewell(Event, Event);

impl Drop for Farewell {
    fn drop(&mut self) {
        self.0.set();
        self.1.wait();
    }
}

#[carom::task(soft_timeout = "1ms")]
fn leave_slowly(told: Event, go_on: Event) {
    let _farewell = Farewell(told, go_on);
    never();
}

#[carom::test]
fn a_destructor_that_waits_while_the_call_unwinds_does_not_end_the_worker() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    let worker = pool.apply(whoami, ()).expect("a pid");
    let (told, go_on) = (Event::new().expect("memory"), Event::new().expect("memory"));
    let result = pool.apply_async(leave_slowly, (told.clone(), go_on.clone()));
    told.wait();
    assert!(!result.ready());
    go_on.set();
    assert!(result.get().expect_err("the limit").is_soft_timeout());
    assert_eq!(pool.apply(whoami, ()).expect("a pid"), worker);
}

#[carom::task(soft_timeout = "1ms")]
fn panic_when_it_has_passed() {
    until_it_has_passed();
    let caught: Result<(), _> = task::catch_soft_limit(|| panic!("something else"));
    caught.expect("not caught");
}

#[carom::test]
fn a_panic_is_not_taken_for_the_limit() {
    let _watchdog = watchdog();
    let error = pool_of(1).apply(panic_when_it_has_passed, ()).expect_err("a panic");
    assert!(!error.is_soft_timeout(), "{error}");
    assert_eq!(error.panic().expect("a panic").message(), "something else");
}

#[carom::task(soft_timeout = "1ms")]
fn hooked() -> bool {
    std::panic::set_hook(Box::new(|_| std::process::abort()));
    let quiet = task::catch_soft_limit(|| Event::new().expect("memory").wait()).is_err();
    let _ = std::panic::take_hook();
    quiet
}

#[carom::test]
fn no_panic_hook_hears_of_it() {
    let _watchdog = watchdog();
    assert!(pool_of(1).apply(hooked, ()).expect("a result"));
}

#[carom::task(soft_timeout = "1ms")]
fn fail_with_it() -> Result<u32, task::SoftTimeLimitExceeded> {
    task::sleep(HOUR)?;
    Ok(1)
}

#[carom::task(soft_timeout = "1ms")]
fn fail_remotely() -> Result<u32, RemoteError> {
    task::catch_soft_limit(*never)?;
    Ok(1)
}

#[carom::task(soft_timeout = "1ms")]
fn fail_as_any_error() -> Result<u32, RemoteError> {
    let failed = || -> carom::Result<u32> {
        task::sleep(HOUR)?;
        Ok(1)
    };
    Ok(failed()?)
}

#[carom::test]
fn as_an_error_it_is_what_the_task_returns() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    let text = "the soft time limit of the task has passed";
    let exceeded = pool.apply(fail_with_it, ()).expect("an output").expect_err("the limit");
    assert_eq!(exceeded.to_string(), text);
    let error = pool.apply(fail_remotely, ()).expect("an output").expect_err("the limit");
    assert_eq!((error.message(), error.type_name()), (text, "carom::task::soft_limit::SoftTimeLimitExceeded"));
    let error = pool.apply(fail_as_any_error, ()).expect("an output").expect_err("the limit");
    assert_eq!((error.message(), error.type_name()), (text, "carom::error::Error"));
    the_next_are_not_hit(&pool);
}
