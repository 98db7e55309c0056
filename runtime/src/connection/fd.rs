//! Descriptors as parts of messages: [`Fd`], and functions for `#[serde(with = "carom::fd")]` on a field that is a
//! `File`, a socket, an `OwnedFd`, or anything else that is made of a descriptor.

use std::any::type_name;
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsFd, OwnedFd};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codec::transfer;

/// A descriptor that can go to another process: a `File`, a socket, an `OwnedFd`, an end of [`std::io::pipe`], or
/// anything else that is made of one.
///
/// It can be (a part of) an argument of a process or of a task in a pool, of what such a task returns, and of a
/// message on a [`Connection`](crate::Connection). What arrives is another descriptor of the same open file: both processes have it,
/// and share its position. A message carries at most 250 of them.
///
/// In a struct, `#[serde(with = "carom::fd")]` on a field of such a type does the same without the wrapper.
///
/// ```standalone_crate
/// use std::fs::File;
/// use std::io::{Read, Write};
/// use carom::{Fd, Process};
///
/// #[carom::task]
/// fn shout(mut output: Fd<std::io::PipeWriter>, text: String) {
///     write!(output, "{}!", text.to_uppercase()).expect("write");
/// }
///
/// #[carom::main]
/// fn main() -> carom::Result<()> {
///     let (mut reader, writer) = std::io::pipe()?;
///     Process::spawn(shout, (Fd(writer), "hello".to_owned()))?.join()?.exit_ok()?;
///     let mut text = String::new();
///     reader.read_to_string(&mut text)?;
///     assert_eq!(text, "HELLO!");
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Fd<T>(pub T);

impl<T> Deref for Fd<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Fd<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> From<T> for Fd<T> {
    fn from(inner: T) -> Self {
        Self(inner)
    }
}

impl<T: AsFd> Serialize for Fd<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(&self.0, serializer)
    }
}

impl<'de, T: From<OwnedFd>> Deserialize<'de> for Fd<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(deserializer).map(Self)
    }
}

/// Makes the descriptor travel with the message that is being written.
///
/// # Errors
/// If no message is being written, or it has too many descriptors.
pub fn serialize<T: AsFd, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let number = transfer::give(format_args!("a `{}`", type_name::<T>()), value)?;
    serializer.serialize_u32(number)
}

/// Takes the descriptor out of the message that is being read.
///
/// # Errors
/// If it did not come.
pub fn deserialize<'de, T: From<OwnedFd>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    transfer::take(u32::deserialize(deserializer)?).map(T::from)
}
