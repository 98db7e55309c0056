//! What can come of locking something.

use std::error::Error;
use std::fmt::{Debug, Display, Formatter};

use serde::{Deserialize, Serialize};

use super::state::Damage;

/// The lock is yours, but what it protects may be half-changed: whoever held it before ended or panicked.
///
/// (A panic in a thread that is panicking already, in a destructor, is not noticed, as with std's mutexes.)
///
/// It is told to everyone who takes the lock, until one of them has taken the guard out of this error, which is to say
/// that all is in order again, and released it. To drop the error releases the lock and changes nothing about that.
///
/// How to get the guard: [`into_guard`](Self::into_guard) where every bit pattern is a value; otherwise
/// [`check`](Self::check), which looks whether the bytes still are one, or [`replace`](Self::replace).
///
/// What a process had written when it died may be there in any order, because the compiler takes memory behind a guard for
/// seen by nobody else. To know what it was about, note it in an atomic field, with fences, as the example `bank` does.
///
/// `?` makes a [`carom::Error`](crate::Error) of it, a `Box<dyn Error>` or a [`RemoteError`](crate::RemoteError), which
/// releases the lock. For other errors there is [`release`](Self::release), which keeps what is told.
#[must_use = "it holds the lock"]
pub struct OwnerDied<G = ()> {
    pub(crate) guard: G,
    pub(crate) damage: Damage,
}

impl<G> OwnerDied<G> {
    /// The process that held the lock. Not known if it was killed in the instant in which it got or released the lock (in the
    /// latter case what the lock protects is whole), or if bytes are no value though nobody is known to have ended.
    pub fn pid(&self) -> Option<u32> {
        match self.damage {
            Damage::Died { pid } | Damage::Panicked { pid } | Damage::Invalid { pid } => pid,
        }
    }

    /// Whether it did not end, but panicked while it held the lock.
    pub fn panicked(&self) -> bool {
        matches!(self.damage, Damage::Panicked { .. })
    }

    /// Whether the bytes were found to be no value of their type.
    pub fn is_invalid(&self) -> bool {
        matches!(self.damage, Damage::Invalid { .. })
    }

    /// What is locked, to repair it or to accept it as it is: when the guard is dropped, nobody is told of this any more. (If
    /// that is by a panic, or this process ends before, the next one is told again.)
    pub fn into_guard(self) -> G
    where
        G: Accept,
    {
        let mut guard = self.guard;
        guard.accept();
        guard
    }

    /// Releases the lock, and keeps what is told.
    pub fn release(self) -> OwnerDied {
        OwnerDied { guard: (), damage: self.damage }
    }

    fn text(&self) -> String {
        match self.damage {
            Damage::Died { pid: Some(pid) } => {
                format!("process {pid}, or a thread of it, ended while it held the lock")
            }
            Damage::Died { pid: None } => "the process that held the lock ended".to_owned(),
            Damage::Panicked { pid: Some(pid) } => format!("process {pid} panicked while it held the lock"),
            Damage::Panicked { pid: None } => "the process that held the lock panicked".to_owned(),
            Damage::Invalid { .. } => "what the lock protects is no value of its type".to_owned(),
        }
    }
}

impl<G> Debug for OwnerDied<G> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        Display::fmt(self, f)
    }
}

impl<G> Display for OwnerDied<G> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}

impl Error for OwnerDied {}

/// Guards of what can be accepted as a holder left it: a [`Lock`](crate::Lock), and values of which every bit pattern is one.
#[diagnostic::on_unimplemented(
    message = "not every bit pattern is a value, so what a holder left behind a `{Self}` has to be looked at",
    label = "may be no value after a process died in the midst of a change",
    note = "write `check()`, which looks at the bytes, or `replace(value)`, in place of `into_guard()`"
)]
pub trait Accept {
    #[doc(hidden)]
    fn accept(&mut self);
}

/// A lock was not taken.
#[must_use = "it may hold the lock"]
pub enum TryLockError<G = ()> {
    /// Another thread or process holds it, or this thread.
    WouldBlock,
    /// It was taken, from one who ended or panicked.
    OwnerDied(OwnerDied<G>),
}

/// A lock was not taken in time.
#[must_use = "it may hold the lock"]
pub enum LockTimeoutError<G = ()> {
    /// Another thread or process held it all the time.
    Timeout,
    /// It was taken, from one who ended or panicked.
    OwnerDied(OwnerDied<G>),
}

macro_rules! error {
    ($name:ident, $variant:ident, $text:literal) => {
        impl<G> $name<G> {
            /// Releases the lock, if it was taken, and keeps what is told.
            pub fn release(self) -> $name {
                match self {
                    Self::$variant => $name::$variant,
                    Self::OwnerDied(died) => $name::OwnerDied(died.release()),
                }
            }
        }

        impl<G> From<OwnerDied<G>> for $name<G> {
            fn from(died: OwnerDied<G>) -> Self {
                Self::OwnerDied(died)
            }
        }

        impl<G> Debug for $name<G> {
            fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
                Display::fmt(self, f)
            }
        }

        impl<G> Display for $name<G> {
            fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
                match self {
                    Self::$variant => f.write_str($text),
                    Self::OwnerDied(died) => Display::fmt(died, f),
                }
            }
        }

        impl Error for $name {}
    };
}

error!(TryLockError, WouldBlock, "the lock is held");
error!(LockTimeoutError, Timeout, "the lock was held for longer than the time to wait");

/// A [`BoundedSemaphore`](crate::BoundedSemaphore) has all of its permits already, or those that are missing are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no permit was taken for good that could be given back")]
pub struct OverRelease;

/// A round of a [`Barrier`](crate::Barrier) is broken, or was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum BrokenBarrier {
    /// One of those who waited did not want to wait any longer.
    #[error("the barrier is broken: not all came in time")]
    TimedOut,
    /// Somebody called `abort`.
    #[error("the barrier is broken: it was aborted")]
    Aborted,
    /// Somebody called `reset` while this one waited.
    #[error("the barrier was reset while this process waited")]
    Reset,
    /// A process ended while it waited.
    #[error("the barrier is broken: {} ended while it waited", Process(*pid))]
    Died {
        /// Which one, if that is known.
        pid: Option<u32>,
    },
    /// What the last one did for all panicked.
    #[error("the barrier is broken: process {pid} panicked")]
    Panicked {
        /// The process.
        pid: u32,
    },
}

struct Process(Option<u32>);

impl Display for Process {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(pid) => write!(f, "process {pid}"),
            None => f.write_str("a process"),
        }
    }
}

/// Lets `?` make other errors of those that hold this guard, which no boxed error can borrow, by releasing it.
macro_rules! released_by_question_mark {
    (one [$($generics:tt)*] $error:ty => $into:ty) => {
        impl<$($generics)*> From<$error> for $into {
            fn from(error: $error) -> Self {
                error.release().into()
            }
        }
    };
    (each $generics:tt $guard:ty: $($error:ident)*) => {$(
        $crate::sync::released_by_question_mark! { one $generics $crate::sync::$error<$guard> => Box<dyn std::error::Error> }
        $crate::sync::released_by_question_mark! {
            one $generics $crate::sync::$error<$guard> => Box<dyn std::error::Error + Send + Sync>
        }
        $crate::sync::released_by_question_mark! { one $generics $crate::sync::$error<$guard> => $crate::RemoteError }
    )*};
    ($generics:tt $guard:ty) => {
        $crate::sync::released_by_question_mark! { each $generics $guard: OwnerDied TryLockError LockTimeoutError }
    };
}

pub(crate) use released_by_question_mark;
