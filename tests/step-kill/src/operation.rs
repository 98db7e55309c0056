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
    /// read for long what the system tells of a process, and change nothing meanwhile.
    pub ends: usize,
    /// Makes the object, in that state.
    pub arrange: fn() -> T,
    /// What is done, between [`begin`](crate::begin) and [`end`](crate::end).
    pub run: fn(&T),
    /// What a survivor finds.
    pub survive: fn(T, &Kill) -> Result<Found, Fault>,
}

/// Who was killed, and when.
pub struct Kill {
    /// The child that was killed.
    pub pid: u32,
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
