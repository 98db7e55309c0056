//! What can come of locking something.

use std::error::Error;
use std::fmt::{Debug, Display, Formatter};

use super::state::Damage;

/// The lock is yours, but what it protects may be half-changed: whoever held it before ended or panicked.
///
/// It is told to everyone who takes the lock, until one of them has taken the guard out of this error, which is to say
/// that all is in order again, and released it. To drop the error releases the lock and changes nothing about that.
///
/// How to get the guard: [`into_guard`](Self::into_guard) where every bit pattern is a value; otherwise
/// [`check`](Self::check), which looks whether the bytes still are one, or [`replace`](Self::replace).
///
/// It borrows what is locked, and so becomes a [`carom::Error`](crate::Error) by `?`, but no `Box<dyn Error>`: for that, write
/// `value.lock().map_err(OwnerDied::release)?`.
#[must_use = "it holds the lock"]
pub struct OwnerDied<G = ()> {
    pub(crate) guard: G,
    pub(crate) damage: Damage,
}

impl<G> OwnerDied<G> {
    /// The process that held the lock. Not known if it was killed in the instant in which it got the lock.
    pub fn pid(&self) -> Option<u32> {
        match self.damage {
            Damage::Died { pid } | Damage::Panicked { pid } => pid,
            Damage::Invalid => None,
        }
    }

    /// Whether it did not end, but panicked while it held the lock.
    pub fn panicked(&self) -> bool {
        matches!(self.damage, Damage::Panicked { .. })
    }

    /// Whether nobody is known to have died, but the bytes are no value of their type.
    pub fn is_invalid(&self) -> bool {
        self.damage == Damage::Invalid
    }

    /// Releases the lock, and keeps what is told.
    pub fn release(self) -> OwnerDied {
        OwnerDied { guard: (), damage: self.damage }
    }

    fn text(&self) -> String {
        let ended = |pid: Option<u32>, how| match pid {
            Some(pid) => format!("process {pid} {how} while it held the lock"),
            None => format!("the process that held the lock {how}"),
        };
        match self.damage {
            Damage::Died { pid } => ended(pid, "ended"),
            Damage::Panicked { pid } => ended(pid, "panicked"),
            Damage::Invalid => "what the lock protects is no value of its type".to_owned(),
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

impl<G> Error for OwnerDied<G> {}

/// A lock was not taken.
#[must_use = "it may hold the lock"]
pub enum TryLockError<G> {
    /// Another thread or process holds it, or this thread.
    WouldBlock,
    /// It was taken, from one who ended or panicked.
    OwnerDied(OwnerDied<G>),
}

/// A lock was not taken in time.
#[must_use = "it may hold the lock"]
pub enum LockTimeoutError<G> {
    /// Another thread or process held it all the time.
    Timeout,
    /// It was taken, from one who ended or panicked.
    OwnerDied(OwnerDied<G>),
}

macro_rules! error {
    ($name:ident, $variant:ident, $text:literal) => {
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

        impl<G> Error for $name<G> {}
    };
}

error!(TryLockError, WouldBlock, "the lock is held");
error!(LockTimeoutError, Timeout, "the lock was held for longer than the time to wait");
