//! What is done to an object, in a given state, by one who is killed.

use crate::fault::Fault;

/// What is done to an object in a given state, and what must hold after the one who does it was killed.
pub struct Operation<T> {
    /// What it is done to.
    pub object: &'static str,
    /// What is done.
    pub name: &'static str,
    /// In which state.
    pub state: &'static str,
    /// Whether it ends asleep: nobody wakes who does it, and that it sleeps is the last point at which it is killed.
    pub sleeps: bool,
    /// So many points from the beginning, and from the end, all are used, and of those in between one of 32: for operations that
    /// read for long what the system tells of a process, and change nothing meanwhile. Of a [sleeper](Run::Sleeper), one of 64, and
    /// those that are next to what others see at once: locked instructions, exchanges and system calls.
    pub ends: usize,
    /// Makes the object, in that state.
    pub arrange: fn() -> T,
    /// Who does it.
    pub run: Run<T>,
    /// What a survivor finds.
    pub survive: fn(T, &Kill) -> Result<Found, Fault>,
}

/// Who does an operation, and is killed.
pub enum Run<T> {
    /// A copy of this process, which does this, between [`begin`](crate::begin) and [`end`](crate::end).
    Copy(fn(&T)),
    /// A process that a descendant of this one has started, and that sleeps. What it does ends when it sleeps again, or has
    /// ended by itself.
    Sleeper {
        /// Its number.
        pid: fn(&T) -> u32,
        /// Has others wake it, while it is held where it sleeps.
        wake: fn(&T),
        /// The points do not begin where it sleeps, but where it calls [`begin`](crate::begin).
        begins: bool,
    },
}

/// Who was killed, and when.
pub struct Kill {
    /// The child that was killed.
    pub pid: u32,
    /// Whether it had executed anything, after it slept if that is how it began.
    pub begun: bool,
    /// Whether it had done all of the operation.
    pub finished: bool,
}

/// What a survivor was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// That a process had died.
    Death,
    /// That this process had died.
    DeathOf(u32),
}
