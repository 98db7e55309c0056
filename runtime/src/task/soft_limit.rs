//! What ends at the soft time limit of a call, and how.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread::panicking;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::current::soft_deadline;
use super::deadline::Deadline;

/// The soft time limit of the task's call that this thread runs has passed, and it would have had to wait.
///
/// See [`task`](mod@crate::task#soft-time-limits) for what gives this as an error, and what unwinds with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("the soft time limit of the task has passed")]
#[non_exhaustive]
pub struct SoftTimeLimitExceeded {}

impl SoftTimeLimitExceeded {
    pub(crate) fn new() -> Self {
        Self {}
    }
}

/// Sleeps, but not past the soft time limit of the call that this thread runs. Where there is none, it sleeps as
/// [`std::thread::sleep`] does, which knows nothing of limits.
///
/// ```
/// use std::time::Duration;
/// use carom::{RemoteError, task};
///
/// #[carom::task(soft_timeout = "1m")]
/// fn retry(url: String) -> Result<u32, RemoteError> {
///     for wait in 0..4 {
///         task::sleep(Duration::from_millis(wait))?;
///         // … and try again
///     }
///     Err(RemoteError::msg(format!("there is nothing at {url}")))
/// }
/// # assert!(retry("nowhere".to_owned()).is_err());
/// ```
///
/// # Errors
/// If the limit comes before the time is over, when it does, or at once if it has passed.
pub fn sleep(time: Duration) -> Result<(), SoftTimeLimitExceeded> {
    let deadline = Deadline::after(time);
    match soft_deadline().filter(|soft| deadline.is_after(Some(*soft))) {
        None => std::thread::sleep(time),
        Some(soft) => std::thread::sleep(soft.saturating_duration_since(Instant::now())),
    }
    deadline.check()
}

/// Runs `call`, and catches what a lock, a semaphore and their like unwind with when the soft time limit of the task's call has passed.
/// Panics go on, as does all else that unwinds.
///
/// What `call` has changed, and can be reached by others, is as `call` left it. A lock whose guard was dropped by the unwinding tells
/// the next one, as after a panic ([`OwnerDied`](crate::OwnerDied)).
///
/// ```
/// use carom::{RemoteError, Semaphore, task};
///
/// #[carom::task(soft_timeout = "5s")]
/// fn fetch(slots: Semaphore) -> Result<String, RemoteError> {
///     let _slot = task::catch_soft_limit(|| slots.acquire())?;
///     Ok("what was there".to_owned())
/// }
/// # assert_eq!(fetch(Semaphore::new(1)?).expect("fetched"), "what was there");
/// # Ok::<(), carom::Error>(())
/// ```
///
/// # Errors
/// If the soft time limit ended `call`.
pub fn catch_soft_limit<R>(call: impl FnOnce() -> R) -> Result<R, SoftTimeLimitExceeded> {
    catch_unwind(AssertUnwindSafe(call)).or_else(|payload| match payload.downcast() {
        Ok(exceeded) => Err(*exceeded),
        Err(other) => resume_unwind(other),
    })
}

/// When what cannot tell of it by an error is ended by unwinding. A thread that unwinds already is not: a destructor would end the
/// process.
pub(crate) fn unwinding_deadline() -> Option<Instant> {
    if panicking() { None } else { soft_deadline() }
}

/// Ends the call of the task, or what of it is in a [`catch_soft_limit`]. No panic hook is run, and nothing is printed.
#[cold]
pub(crate) fn unwind() -> ! {
    resume_unwind(Box::new(SoftTimeLimitExceeded::new()))
}
