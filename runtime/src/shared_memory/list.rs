//! A list of values of different types.

use std::fmt::{Debug, Formatter};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::block::Block;
use super::slots::Slots;
use super::{ReadWrite, SharedMemory};
use crate::memory::MemoryError;

/// A list of a fixed number of values in shared memory, each of any of the types of [`Item`].
///
/// A place in it holds as many bytes of text as the value that it was made with, rounded up to 8; what is put there later
/// may be of another type, but not longer. Each `get` and `set` takes the list's lock; a process that is killed in the
/// midst of a `set` leaves the old value or the new one. For values of one type there is [`Array`](crate::Array).
///
/// It goes to other processes as a [`SharedMemory`] does, as a handle or by a name. It is not laid out as Python's list of that
/// name, which therefore cannot attach to it.
///
/// ```
/// use carom::{Item, ShareableList};
///
/// let list = ShareableList::new([Item::from("Grüße\0"), Item::from(42), Item::from(1.5), Item::None])?;
/// assert_eq!(list.get(0), Some(Item::from("Grüße\0")));
/// list.set(1, "text")?;
/// assert!(list.set(2, "longer than 8 bytes").is_err());
/// assert_eq!(list.index_of(&Item::from("text")), Some(1));
/// assert_eq!(list.len(), 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ShareableList {
    slots: Arc<Slots>,
}

/// A value in a [`ShareableList`].
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Item {
    /// Nothing.
    #[default]
    None,
    /// True or false.
    Bool(bool),
    /// A number without fraction.
    Int(i64),
    /// A number with fraction.
    Float(f64),
    /// Text.
    Str(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// A value cannot be put into a [`ShareableList`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// The list is not so long.
    #[error("there is no place {index} in a list of {len}")]
    NoSuchPlace {
        /// The place asked for.
        index: usize,
        /// How many there are.
        len: usize,
    },
    /// The value takes more bytes than there are for it.
    #[error("a value of {len} bytes does not fit the {capacity} bytes of place {index}")]
    TooLong {
        /// The place asked for.
        index: usize,
        /// How many bytes the value takes.
        len: usize,
        /// How many there are for it.
        capacity: usize,
    },
}

impl Item {
    /// The number, if it is one without fraction.
    pub fn as_int(&self) -> Option<i64> {
        if let Self::Int(value) = self { Some(*value) } else { None }
    }

    /// The number, if it is one with fraction.
    pub fn as_float(&self) -> Option<f64> {
        if let Self::Float(value) = self { Some(*value) } else { None }
    }

    /// Whether it is true, if it is true or false.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Str(text) = self { Some(text) } else { None }
    }

    /// The bytes, if it is bytes.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }
}

impl ShareableList {
    /// A list of these values, without a name.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn new<T: Into<Item>>(items: impl IntoIterator<Item = T>) -> Result<Self, MemoryError> {
        Self::make(items, |size| Block::anonymous(size, size))
    }

    /// A list of these values under a name; see [`SharedMemory::create_named`].
    ///
    /// # Errors
    /// As for memory of that name.
    pub fn create_named<T: Into<Item>>(name: &str, items: impl IntoIterator<Item = T>) -> Result<Self, MemoryError> {
        Self::named(name, items, false)
    }

    /// A list of these values under a name that ends with this process; see [`SharedMemory::create_owned`].
    ///
    /// # Errors
    /// As for memory of that name.
    pub fn create_owned<T: Into<Item>>(name: &str, items: impl IntoIterator<Item = T>) -> Result<Self, MemoryError> {
        Self::named(name, items, true)
    }

    /// The list of this name.
    ///
    /// # Errors
    /// If there is no such name, or no list under it.
    pub fn attach(name: &str) -> Result<Self, MemoryError> {
        Self::open(Block::attach(name, true)?)
    }

    /// The list in some memory that a list was made in.
    ///
    /// # Errors
    /// If there is none.
    pub fn from_memory(memory: &SharedMemory) -> Result<Self, MemoryError> {
        Self::open(Arc::clone(&memory.block))
    }

    /// The memory that it is in, for its name, and to unlink it.
    #[doc(alias = "shm")]
    pub fn memory(&self) -> SharedMemory<ReadWrite> {
        SharedMemory::of(Arc::clone(self.slots.block()))
    }

    /// The value at a place, if the list is so long.
    pub fn get(&self, index: usize) -> Option<Item> {
        let (kind, bytes) = self.slots.locked(|slots| slots.get(index))?;
        Some(Item::of(kind, bytes))
    }

    /// Replaces the value at a place.
    ///
    /// # Errors
    /// If the list is not so long, or the value takes more bytes than there are at this place; then nothing is changed.
    pub fn set(&self, index: usize, item: impl Into<Item>) -> Result<(), ListError> {
        let (kind, bytes) = item.into().into_parts();
        let len = self.len();
        let capacity = self.capacity(index).ok_or(ListError::NoSuchPlace { index, len })?;
        if self.slots.locked(|slots| slots.set(index, kind, &bytes)) {
            return Ok(());
        }
        Err(ListError::TooLong { index, len: bytes.len(), capacity })
    }

    /// How many bytes of text, or other bytes, a place can hold.
    pub fn capacity(&self, index: usize) -> Option<usize> {
        self.slots.capacity(index)
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A copy of all values, as they are at one time.
    pub fn to_vec(&self) -> Vec<Item> {
        let all = self.slots.locked(|slots| (0..self.len()).filter_map(|index| slots.get(index)).collect::<Vec<_>>());
        all.into_iter().map(|(kind, bytes)| Item::of(kind, bytes)).collect()
    }

    /// The values, each copied when it is asked for.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Item> {
        (0..self.len()).map(|index| self.get(index).unwrap_or_default())
    }

    /// At how many places this value is.
    pub fn count(&self, item: &Item) -> usize {
        self.to_vec().iter().filter(|other| *other == item).count()
    }

    /// The first place at which this value is.
    #[doc(alias = "index")]
    pub fn index_of(&self, item: &Item) -> Option<usize> {
        self.to_vec().iter().position(|other| other == item)
    }

    fn named<T: Into<Item>>(name: &str, items: impl IntoIterator<Item = T>, owned: bool) -> Result<Self, MemoryError> {
        let list = Self::make(items, |size| Block::nameable(name, size))?;
        // only now, so that whoever finds the name finds the whole list
        list.slots.block().publish(name, owned)?;
        Ok(list)
    }

    fn make<T: Into<Item>>(
        items: impl IntoIterator<Item = T>,
        block: impl FnOnce(usize) -> Result<Block, MemoryError>,
    ) -> Result<Self, MemoryError> {
        let items: Vec<_> = items.into_iter().map(|item| item.into().into_parts()).collect();
        let capacities: Vec<_> = items.iter().map(|(_, bytes)| bytes.len().next_multiple_of(8).max(8)).collect();
        let size = Slots::size(&capacities).ok_or(MemoryError::TooLarge { size: usize::MAX })?;
        let slots = Slots::create(Arc::new(block(size)?), &capacities)?;
        slots.locked(|slots| {
            for (index, (kind, bytes)) in items.iter().enumerate() {
                slots.set(index, *kind, bytes);
            }
        });
        Ok(Self { slots: Arc::new(slots) })
    }

    fn open(block: impl Into<Arc<Block>>) -> Result<Self, MemoryError> {
        Ok(Self { slots: Arc::new(Slots::open(block.into())?) })
    }
}

impl Debug for ShareableList {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.to_vec()).finish()
    }
}

impl Serialize for ShareableList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.slots.block().serialize(true, serializer)
    }
}

impl<'de> Deserialize<'de> for ShareableList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::open(Block::deserialize(true, deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// The kinds of bytes in a slot. What others wrote is not trusted: text that is no UTF-8 is read as if it were.
mod kind {
    pub(super) const NONE: u8 = 0;
    pub(super) const BOOL: u8 = 1;
    pub(super) const INT: u8 = 2;
    pub(super) const FLOAT: u8 = 3;
    pub(super) const STR: u8 = 4;
    pub(super) const BYTES: u8 = 5;
}

impl Item {
    fn into_parts(self) -> (u8, Vec<u8>) {
        match self {
            Self::None => (kind::NONE, Vec::new()),
            Self::Bool(value) => (kind::BOOL, vec![value.into()]),
            Self::Int(value) => (kind::INT, value.to_ne_bytes().to_vec()),
            Self::Float(value) => (kind::FLOAT, value.to_ne_bytes().to_vec()),
            Self::Str(text) => (kind::STR, text.into_bytes()),
            Self::Bytes(bytes) => (kind::BYTES, bytes),
        }
    }

    fn of(kind: u8, bytes: Vec<u8>) -> Self {
        let number = <[u8; 8]>::try_from(bytes.as_slice()).unwrap_or_default();
        match kind {
            kind::NONE => Self::None,
            kind::BOOL => Self::Bool(bytes.first().is_some_and(|byte| *byte != 0)),
            kind::INT => Self::Int(i64::from_ne_bytes(number)),
            kind::FLOAT => Self::Float(f64::from_ne_bytes(number)),
            kind::STR => Self::Str(String::from_utf8_lossy(&bytes).into_owned()),
            _ => Self::Bytes(bytes),
        }
    }
}

macro_rules! from {
    ($($ty:ty => $variant:ident $value:ident $convert:expr;)*) => {$(
        impl From<$ty> for Item {
            fn from($value: $ty) -> Self {
                Self::$variant($convert)
            }
        }
    )*};
}

from! {
    bool => Bool value value;
    i64 => Int value value;
    i32 => Int value value.into();
    i16 => Int value value.into();
    i8 => Int value value.into();
    u32 => Int value value.into();
    u16 => Int value value.into();
    u8 => Int value value.into();
    f64 => Float value value;
    f32 => Float value value.into();
    String => Str text text;
    &str => Str text text.to_owned();
    Vec<u8> => Bytes bytes bytes;
    &[u8] => Bytes bytes bytes.to_owned();
}

impl<T: Into<Self>> From<Option<T>> for Item {
    fn from(item: Option<T>) -> Self {
        item.map_or(Self::None, Into::into)
    }
}
