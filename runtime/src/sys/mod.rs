//! Every system call of the crate, and nearly all of its unsafe code. Nothing here knows of tasks.

pub(crate) mod build_id;
pub(crate) mod channel;
pub(crate) mod claims;
pub(crate) mod clock;
pub(crate) mod exec;
pub(crate) mod futex;
pub(crate) mod incarnation;
pub(crate) mod lifeline;
pub(crate) mod limits;
pub(crate) mod map;
pub(crate) mod memory_file;
pub(crate) mod mutex;
pub(crate) mod oom;
pub(crate) mod pidfd;
pub(crate) mod racing;
pub(crate) mod signals;
pub(crate) mod socket;
pub(crate) mod statm;
pub(crate) mod stdio;
pub(crate) mod this_process;
pub(crate) mod wait;
