//! Locks between processes.
//!
//! `state` is the lock itself, on the head of an object; `lock` is the one that users see without contents, and `rlock` the one
//! that a thread can take again. `event` is a flag, and no lock.

mod error;
mod event;
mod lock;
mod rlock;
pub(crate) mod state;

pub(crate) use error::released_by_question_mark;
pub use error::{Accept, LockTimeoutError, OwnerDied, TryLockError};
pub use event::Event;
pub use lock::{Lock, LockGuard};
pub use rlock::{RLock, RLockGuard};
