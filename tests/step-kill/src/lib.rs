//! A process may be killed after any instruction, and whoever survives it goes on.
//!
//! An [`Operation`] is run in a forked child, which its parent traces. The first child is stepped through all of it, which
//! gives the instructions. Then, for each of them, the parent arranges the state anew, lets another child come to it, sends
//! SIGKILL, and looks what a survivor finds. A system call is one step.
//!
//! It takes x86-64, and a process with one thread. Whatever an operation does only once in a process, it does in this one first.
#![cfg(target_arch = "x86_64")]

mod fault;
mod operation;
mod tracee;

pub use fault::{Fault, Kind};
pub use operation::{Found, Kill, Operation, Tally};
pub use tracee::{begin, end, fork, is_possible, reap};
