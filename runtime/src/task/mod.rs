//! What a task is, and what is known of one: its name, its place in the source, its options; and of the call that is running.
//!
//! # Soft time limits
//! A task with `soft_timeout = "5s"` that runs in a [`Pool`](crate::Pool) should come to an end within that time. It is not
//! interrupted: its call has a deadline, which it can [look at](Current::soft_limit_exceeded), and past which nothing of carom's
//! waits in the thread that runs it. What need not wait succeeds after the deadline too, and what would have to wait, or does so when
//! the time comes, ends:
//!
//! * Where there is room for an error it is one, and the task can go on to its `return`: [`sleep`], the calls of a
//!   [`Connection`](crate::Connection), [`Process::join`](crate::Process::join), and the results of a pool
//!   ([`TaskError::is_soft_timeout`](crate::TaskError::is_soft_timeout)).
//! * Where there is none, it unwinds, with [`SoftTimeLimitExceeded`], which no panic hook hears of:
//!   [`Lock`](crate::Lock) and [`RLock`](crate::RLock), the locks of [`Value`](crate::Value) and [`Array`](crate::Array),
//!   [`Semaphore`](crate::Semaphore), [`Condition`](crate::Condition), [`Barrier`](crate::Barrier), [`Event`](crate::Event), also where
//!   they are given a longer time, and [`AsyncResult::wait`](crate::AsyncResult::wait). [`catch_soft_limit`] catches it. If nothing
//!   does, it ends the call, and the caller gets an error that [says so](crate::TaskError::is_soft_timeout).
//!
//! ```standalone_crate
//! use carom::{Event, Pool, task};
//!
//! #[carom::task(soft_timeout = "50ms")]
//! fn patient(go_on: Event) -> String {
//!     let waited = task::catch_soft_limit(|| go_on.wait());
//!     if waited.is_ok() { "went on".to_owned() } else { "gave up".to_owned() }
//! }
//!
//! #[carom::main]
//! fn main() -> carom::Result<()> {
//!     let pool = Pool::builder().processes(1).build()?;
//!     assert_eq!(pool.apply(patient, Event::new()?)?, "gave up");
//!     Ok(())
//! }
//! ```
//!
//! What unwinds has tidied up before: permits and places are given back, a notification is not lost, a [`Barrier`](crate::Barrier) is
//! broken as by a timeout. A condition has the lock again, for which it waits as long as that takes, and whose guard the unwinding
//! drops: so the next one to take it is told, as after a panic, that what it protects may be half-changed.
//!
//! The limit is of one call, and of the thread that runs it. In threads that the task starts nothing ends; give them the
//! [`Current`] call, and they can ask. What does not come by carom (`std::thread::sleep`, computing, reading a file) goes
//! on past the limit, and so do, of carom's own, [`PoolBuilder::build`](crate::PoolBuilder::build) and the end of a pool. A call with
//! a timeout of zero does not wait, and is not ended. A destructor that runs while the thread unwinds waits as if there were no
//! limit, where the only other way would be to end the process. In a build with `panic = "abort"` nothing can unwind: what would, ends
//! the worker, and the call is [lost](crate::TaskError::worker_lost).

mod current;
mod deadline;
mod soft_limit;

use std::fmt;
use std::time::Duration;

use crate::__private_0_1::Codec;
use crate::codec::{DecodeError, Reader};
use crate::pool::batch::Batch;
use crate::registry;

pub use current::{Current, current};
pub(crate) use current::{Entered, enter, regardless, soft_deadline};
pub(crate) use deadline::Deadline;
pub use soft_limit::{SoftTimeLimitExceeded, catch_soft_limit, sleep};
pub(crate) use soft_limit::{unwind, unwinding_deadline};

/// A function that other processes can run; implemented by [`#[task]`](macro@crate::task) only.
///
/// The value of a task is its name: `square` in `Process::spawn(square, 3)`. It is zero-sized, `Copy`,
/// and derefs to the function's pointer, so that `square(3)` is an ordinary call.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a task",
    label = "this is not a task",
    note = "annotate the function with `#[carom::task]`, or declare it in `carom::tasks! {{ … }}` if another crate defines it; a closure cannot be one: make it a function, and what it captures its arguments"
)]
pub trait Task: Copy + Send + Sync + 'static {
    /// The argument where there is one, a tuple for more, `()` for none.
    type Input;
    /// What the function returns.
    type Output;
    /// Name, place and options.
    const INFO: &'static TaskInfo;

    #[doc(hidden)]
    const CODEC: Codec<Self::Input, Self::Output>;
}

/// Name, place and options of a task.
pub struct TaskInfo {
    pub(crate) name: &'static str,
    /// [`id_of`] the name, by which a pool and its workers name it to each other.
    pub(crate) id: u64,
    pub(crate) location: Location,
    pub(crate) timeout: Option<Duration>,
    pub(crate) soft_timeout: Option<Duration>,
    pub(crate) retries: u32,
    pub(crate) prepare: Prepare,
    pub(crate) run: Run,
}

/// Decodes the arguments of one call.
#[doc(hidden)]
pub type Prepare = fn(&mut Reader<'_>) -> Result<Prepared, DecodeError>;

/// One call, ready to run; the text of its `Err`, if it returns one.
#[doc(hidden)]
pub type Prepared = Box<dyn FnOnce() -> Option<String>>;

/// Decodes inputs, calls the task with each and encodes what it returns.
#[doc(hidden)]
pub type Run = fn(&mut Batch<'_>);

/// Where a task stands in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file, as the compiler was given it.
    pub file: &'static str,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl TaskInfo {
    /// The name under which workers find it: `name = "…"`, or `crate::module::function`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Where its `#[task]` stands.
    pub fn location(&self) -> Location {
        self.location
    }

    /// After how long a pool kills the worker that runs it; `None`: the pool decides.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// After how long a call of it [should come to an end](self#soft-time-limits) in a pool.
    pub fn soft_timeout(&self) -> Option<Duration> {
        self.soft_timeout
    }

    /// How often a pool may run it again after its worker was lost.
    pub fn retries(&self) -> u32 {
        self.retries
    }
}

/// A number for a name: its FNV-1a hash. Two tasks of one program with the same number are refused as two of the same name are.
pub(crate) const fn id_of(name: &str) -> u64 {
    let (bytes, mut hash, mut i) = (name.as_bytes(), 0xcbf2_9ce4_8422_2325_u64, 0);
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u64).wrapping_mul(0x0100_0000_01b3);
        i += 1;
    }
    hash
}

impl fmt::Debug for TaskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskInfo")
            .field("name", &self.name)
            .field("location", &self.location)
            .field("timeout", &self.timeout)
            .field("soft_timeout", &self.soft_timeout)
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}

/// Every task that is linked into this program, in no particular order.
///
/// A crate that stands in the manifest but is named nowhere is not linked, and neither are its tasks;
/// `use that_crate as _;` links it.
pub fn registered() -> impl Iterator<Item = &'static TaskInfo> {
    registry::tasks().filter(|task| !task.name.starts_with("carom::"))
}
