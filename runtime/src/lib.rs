//! Multiprocessing for Rust: annotate a function with [`#[task]`](macro@task) and run it in another
//! process.
//!
//! ```standalone_crate
//! use carom::Process;
//!
//! #[carom::task]
//! fn greet(name: String) {
//!     println!("hello {name}, from process {}", std::process::id());
//! }
//!
//! #[carom::main]
//! fn main() -> carom::Result<()> {
//!     let process = Process::spawn(greet, "world".to_owned())?;
//!     process.join()?.exit_ok()?;
//!     Ok(())
//! }
//! ```
//!
//! A child is this same executable, started anew: its `main` runs until [`#[carom::main]`](macro@main)
//! (or [`init`]) finds that it is a child, which runs its task and ends there. Nothing of the parent's
//! memory is copied, and only what is named is shared.
//!
//! carom runs on Linux 5.16 and newer with glibc 2.31 and newer, on x86-64 and aarch64.
#![deny(unsafe_code)]

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
compile_error!("carom runs on Linux with glibc");

// Reading order: what users write, then how a child comes to run it, then the ground.
mod connection;
mod error;
mod macros;
mod memory;
mod pool;
mod process;
pub mod shared;
mod shared_memory;
mod sync;
pub mod task;
mod values;

mod authkey;
mod remote_error;

mod reentry;

mod bootstrap;
mod codec;
mod entry;
mod registry;
mod report;

mod raw;

mod atomic;
mod sys;

// the macros write `::carom`, here too
extern crate self as carom;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private_0_1;

pub use authkey::AuthKey;
pub use codec::{DecodeError, EncodeError};
pub use connection::{
    Connection, Fd, Iter, Never, PipeBuilder, Receiver, Receives, RecvError, SendError, Sender, Sends, Untyped, fd,
    pipe,
};
pub use error::{Error, Result};
pub use macros::{Shared, main, shared, task, tasks, test};
pub use memory::{MemoryError, OutOfBounds};
pub use pool::{
    AsyncResult, Imap, JobBuilder, MemoryPolicy, Panic, Pool, PoolBuilder, PoolError, TaskError, WorkerLost,
};
pub use process::{
    Builder, CurrentProcess, ExitError, ExitStatus, JoinError, ParentProcess, Process, SpawnError, Stdio,
    active_children, cpu_count, current_process, parent_process,
};
pub use reentry::init;
pub use remote_error::RemoteError;
pub use shared::{ShString, Shared, TooLong};
pub use shared_memory::{Access, Item, ListError, ReadOnly, ReadWrite, ShareableList, SharedMemory};
pub use sync::{
    Accept, Barrier, BoundedSemaphore, BrokenBarrier, Condition, Event, Lock, LockGuard, LockTimeoutError, OverRelease,
    OwnerDied, Permit, RLock, RLockGuard, Relock, Semaphore, TryLockError,
};
pub use task::Task;
pub use values::{Array, Guard, RawArray, RawValue, Value};

/// Its code is tested with that of this crate.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
