//! Locks between processes, and other means to wait for each other.
//!
//! `state` is the lock itself, on the head of an object; `lock` is the one that users see without contents, and `rlock` the one
//! that a thread can take again. The others are words that the state machines of `raw` change: `semaphore`, `condition`,
//! `event` and `barrier`, each of which adds how one sleeps and is woken (`sleep`), and who has ended.

mod barrier;
mod condition;
mod error;
mod event;
mod lock;
mod rlock;
mod semaphore;
mod sleep;
pub(crate) mod state;
mod words;

pub use barrier::Barrier;
pub(crate) use condition::Key;
pub use condition::{Condition, Relock};
pub(crate) use error::released_by_question_mark;
pub use error::{Accept, BrokenBarrier, LockTimeoutError, OverRelease, OwnerDied, TryLockError};
pub use event::Event;
pub use lock::{Lock, LockGuard};
pub use rlock::{RLock, RLockGuard};
pub use semaphore::{BoundedSemaphore, Permit, Semaphore};
