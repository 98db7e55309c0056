//! Text of a bounded length.
//!
//! # Safety
//! The type's own invariant (a length within the bytes, UTF-8) is what `is_valid` checks.
#![allow(unsafe_code)]

use std::cmp::Ordering;
use std::fmt::{Debug, Display, Formatter, Write};
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Candidate, Form, Layout, Shared};

/// Text of at most `N` bytes of UTF-8, held in place: what a `String` is where memory is shared.
///
/// ```
/// use carom::ShString;
///
/// let mut name: ShString<16> = "Grüße".parse()?;
/// name.push_str("!\0")?;
/// assert_eq!(name, "Grüße!\0");
/// assert!(name.push_str("much too long").is_err());
/// # Ok::<(), carom::TooLong>(())
/// ```
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ShString<const N: usize> {
    /// As bytes, so that there is no padding.
    len: [u8; 4],
    bytes: [u8; N],
}

/// Text does not fit a [`ShString`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("text of {len} bytes does not fit the {capacity} bytes that there are for it")]
#[non_exhaustive]
pub struct TooLong {
    /// How long it is, in bytes.
    pub len: usize,
    /// How long it may be.
    pub capacity: usize,
}

impl<const N: usize> ShString<N> {
    /// No text.
    pub const fn new() -> Self {
        const { assert!(N <= u32::MAX as usize, "a `ShString` holds at most 4 GiB") };
        Self { len: [0; 4], bytes: [0; N] }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        let text = self.bytes.get(..self.len()).map(str::from_utf8);
        text.and_then(Result::ok).expect("the text of a `ShString` is valid, or the string is not given out")
    }

    /// Its length in bytes.
    pub const fn len(&self) -> usize {
        u32::from_ne_bytes(self.len) as usize
    }

    /// Whether there is no text.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most bytes that it can hold.
    pub const fn capacity(&self) -> usize {
        N
    }

    /// Puts `text` at the end.
    ///
    /// # Errors
    /// If it does not fit; then nothing is changed.
    pub fn push_str(&mut self, text: &str) -> Result<(), TooLong> {
        let (start, len) = (self.len(), self.len() + text.len());
        let place = self.bytes.get_mut(start..len).ok_or(TooLong { len, capacity: N })?;
        place.copy_from_slice(text.as_bytes());
        self.len = (len as u32).to_ne_bytes();
        Ok(())
    }

    /// Puts `text` in place of what there is.
    ///
    /// # Errors
    /// If it does not fit; then nothing is changed.
    pub fn set(&mut self, text: &str) -> Result<(), TooLong> {
        *self = text.parse()?;
        Ok(())
    }

    /// Takes all text out.
    pub fn clear(&mut self) {
        self.len = [0; 4];
    }
}

#[diagnostic::do_not_recommend]
// SAFETY: two arrays of bytes, one after the other, without an address in them.
unsafe impl<const N: usize> Shared for ShString<N> {
    const LAYOUT: Layout = Layout::new("ShString", size_of::<Self>(), 1);
    const PADDED: bool = false;
    const CHECKED: bool = true;
    const ATOMIC: bool = false;
    type Form = Form<false, true, false>;

    fn is_valid(candidate: Candidate<'_>) -> bool {
        let text = u32::from_ne_bytes(candidate.read::<4>()) as usize;
        // all of them have been written once, so none is padding
        let bytes = candidate.rest::<N>(4);
        bytes.get(..text).is_some_and(|text| str::from_utf8(text).is_ok())
    }
}

impl<const N: usize> FromStr for ShString<N> {
    type Err = TooLong;

    fn from_str(text: &str) -> Result<Self, TooLong> {
        let mut string = Self::new();
        string.push_str(text)?;
        Ok(string)
    }
}

impl<const N: usize> TryFrom<&str> for ShString<N> {
    type Error = TooLong;

    fn try_from(text: &str) -> Result<Self, TooLong> {
        text.parse()
    }
}

impl<const N: usize> From<ShString<N>> for String {
    fn from(string: ShString<N>) -> Self {
        string.as_str().to_owned()
    }
}

/// For `write!`, which fails where the text does not fit.
impl<const N: usize> Write for ShString<N> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.push_str(text).map_err(|_| std::fmt::Error)
    }
}

impl<const N: usize> Default for ShString<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Deref for ShString<N> {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl<const N: usize> AsRef<str> for ShString<N> {
    fn as_ref(&self) -> &str {
        self
    }
}

impl<const N: usize> Debug for ShString<N> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        Debug::fmt(self.as_str(), f)
    }
}

impl<const N: usize> Display for ShString<N> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        Display::fmt(self.as_str(), f)
    }
}

impl<const N: usize> PartialEq for ShString<N> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl<const N: usize> Eq for ShString<N> {}

impl<const N: usize> PartialEq<str> for ShString<N> {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl<const N: usize> PartialEq<&str> for ShString<N> {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl<const N: usize> PartialOrd for ShString<N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const N: usize> Ord for ShString<N> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl<const N: usize> Hash for ShString<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl<const N: usize> Serialize for ShString<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for ShString<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
