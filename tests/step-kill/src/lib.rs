//! A process may be killed after any instruction, and whoever survives it goes on.
//!
//! There are two ways to look whether that is so, for objects of any kind:
//!
//! * An [`Operation`] is run in a forked child, which its parent traces. The first child is stepped through all of it, which
//!   gives the instructions. Then, for each of them, the parent arranges the state anew, lets another child come to it, sends
//!   SIGKILL, and looks what a survivor finds. A system call is one step, and one that sleeps can be the last. A [`Bystander`] is
//!   another process that uses the object meanwhile, and survives, too.
//!   Or who is killed is not a child, but a process that a bystander has started, from where it sleeps to where it sleeps again.
//! * A [`Scene`] has players, which are killed at [`Random`] moments, while they use an object together.
//!
//! What is found is a [`Fault`], and goes into a [`Tally`]. Nothing here knows what the objects are: a new one has a file of
//! operations, one of roles, and some mutants (`mutants/run`), which are faults that must be found.
//!
//! `tests/step-kill/run` does all of it, and ends with one line:
//!
//! ```text
//! kill points N, random kills N, hangs 0, lost 0, doubled 0, torn 0, leaked 0, mutants found M of M
//! ```
//!
//! (A number of things that are `untrue` comes between, where there are any. What could not be done is `not checked`.)
//!
//! It takes a process with one thread, and to step through an operation also x86-64 and the right to trace. Whatever an operation
//! does only once in a process, it does in this one first.

mod bystander;
mod fault;
mod leaks;
mod operation;
mod orphans;
mod points;
mod process;
mod random;
mod registers;
mod steady;
mod stopwatch;
mod tally;
mod tracee;
mod watchdog;
mod workers;

pub use bystander::{Bystander, PATIENCE};
pub use fault::{Fault, Kind};
pub use leaks::Belongings;
pub use operation::{Found, Kill, Operation, Run};
pub use orphans::{adopt, see_orphans_end};
pub use process::{fork, is_asleep, reap};
pub use random::{Part, Random, Role, Round, Scene, Seed};
pub use steady::{are_steady, make_steady};
pub use stopwatch::Stopwatch;
pub use tally::Tally;
pub use tracee::{begin, end, is_possible};
