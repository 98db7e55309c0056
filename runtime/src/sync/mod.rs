//! Locks between processes.
//!
//! `state` is the lock itself, on the head of an object; `lock` is the one that users see without contents.

mod error;
mod lock;
pub(crate) mod state;

pub(crate) use error::released_by_question_mark;
pub use error::{Accept, LockTimeoutError, OwnerDied, TryLockError};
pub use lock::{Lock, LockGuard};
