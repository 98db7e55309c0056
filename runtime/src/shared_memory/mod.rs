//! Memory as bytes: [`SharedMemory`], with a name or without, and [`ShareableList`] on top of it.
//!
//! `block` is the memory, `named` are files in `/dev/shm`, `target` is one of them, `keeper` is the process that removes those of a process that
//! was killed, `list` and `slots` are the list.

mod block;
mod keeper;
mod list;
mod named;
mod slots;
mod target;

use std::fmt::{Debug, Formatter};
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use block::Block;
pub use list::{Item, ListError, ShareableList};

use crate::memory::{MemoryError, OutOfBounds};

/// Memory that processes share, as bytes.
///
/// Without a name, it goes to other processes as a handle: as an argument of a process or of a task in a pool, as (a part
/// of) what a task returns, and in a message of a [`Connection`](crate::Connection); it is gone with the last handle in any
/// process, however that ends, and nobody can make it shorter under those who use it. With a [name](Self::create_named), any
/// program can attach to it, those in other languages too: Python's `SharedMemory` has the same names.
///
/// Each handle that a process has received is a descriptor and a mapping of its own (clones are not), and a message carries at
/// most 250 descriptors. For many small pieces, a [`RawArray`](crate::RawArray) is better.
///
/// Bytes are copied in and out. While another process writes the same bytes, what is copied may be a mixture. There is no
/// lock: use one, or a [`Value`](crate::Value) or an [`Array`](crate::Array), which have one and know their types. For what
/// copies are too slow, there are [`as_ptr`](Self::as_ptr) and unsafe code.
///
/// `A` says whether it can be written: [`ReadWrite`], or [`ReadOnly`], which [`read_only`](Self::read_only) gives.
///
/// ```standalone_crate
/// use carom::{Process, SharedMemory};
///
/// #[carom::task]
/// fn shout(memory: SharedMemory) {
///     let text = memory.to_vec().to_ascii_uppercase();
///     memory.write(0, &text).expect("as long as it was");
/// }
///
/// #[carom::main]
/// fn main() -> carom::Result<()> {
///     let memory = SharedMemory::create(5)?;
///     memory.write(0, b"hello")?;
///     Process::spawn(shout, memory.clone())?.join()?.exit_ok()?;
///     assert_eq!(memory.to_vec(), b"HELLO");
///     Ok(())
/// }
/// ```
pub struct SharedMemory<A: Access = ReadWrite> {
    block: Arc<Block>,
    access: PhantomData<A>,
}

/// What can be done with [`SharedMemory`].
pub trait Access: sealed::Sealed {
    #[doc(hidden)]
    const WRITES: bool;
}

/// It can be read and written.
#[derive(Debug)]
pub enum ReadWrite {}

/// It can be read.
#[derive(Debug)]
pub enum ReadOnly {}

impl Access for ReadWrite {
    const WRITES: bool = true;
}

impl Access for ReadOnly {
    const WRITES: bool = false;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::ReadWrite {}
    impl Sealed for super::ReadOnly {}
}

impl SharedMemory {
    /// Memory of `size` zeros, without a name. It takes what is written of it, in pages of 4 KiB, so that there is no error here
    /// if there is less memory than that in the end: then the system ends processes.
    ///
    /// # Errors
    /// If `size` is 0, or too large, or there is no memory for it.
    pub fn create(size: usize) -> Result<Self, MemoryError> {
        Self::growable(size, size)
    }

    /// The same, which can [grow](Self::grow) to `most` bytes. Addresses for so many are set aside in each process that has
    /// it, and do not change.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn growable(size: usize, most: usize) -> Result<Self, MemoryError> {
        Ok(Self::of(Block::anonymous(size, most.max(size))?))
    }

    /// Memory of `size` zeros under a name, for other programs to [attach](Self::attach) to. The name stays, with all that
    /// was written, when all processes have ended: [`unlink`](Self::unlink) removes it. It appears with all its memory or not
    /// at all.
    ///
    /// Python's `SharedMemory` removes the name when it has attached to it and its program ends, unless it is told not to
    /// (`track=False`, from Python 3.13 on).
    ///
    /// A name is what can be the name of a file in `/dev/shm`, where it is readable and writable by this user.
    ///
    /// # Errors
    /// If the name is taken or cannot be one, if `size` is 0, or if there is no space for it in `/dev/shm`.
    pub fn create_named(name: &str, size: usize) -> Result<Self, MemoryError> {
        Self::named(name, size, false)
    }

    /// The same, but this process owns the name: it is removed when the last handle in this process is dropped, and when
    /// the process ends, by whatever cause. (A process of carom's, which is started for the first such name, sees to
    /// that. If this process has forked by other means, it waits for the end of the copy, too.) Others who are attached keep
    /// the memory, but no one finds it any more.
    ///
    /// # Errors
    /// As [`create_named`](Self::create_named), and if the process that is to see to it cannot be started: in a program
    /// that never came by `carom::init`, for one.
    pub fn create_owned(name: &str, size: usize) -> Result<Self, MemoryError> {
        Self::named(name, size, true)
    }

    fn named(name: &str, size: usize, owned: bool) -> Result<Self, MemoryError> {
        let block = Block::nameable(name, size)?;
        block.publish(name, owned)?;
        Ok(Self::of(block))
    }

    /// The memory of this name. When it is given up, the name stays.
    ///
    /// Nothing hinders another process to make the file shorter, which ends those that then use what was cut off. So
    /// attach to what trusted programs made only.
    ///
    /// # Errors
    /// If there is no such name, or it cannot be one.
    pub fn attach(name: &str) -> Result<Self, MemoryError> {
        Ok(Self::of(Block::attach(name, true)?))
    }

    /// Writes bytes, from this offset on.
    ///
    /// # Errors
    /// If there are not so many; then nothing is written.
    pub fn write(&self, offset: usize, bytes: &[u8]) -> Result<(), OutOfBounds> {
        self.block.write(offset, bytes)
    }

    /// Makes it longer, with zeros, for all processes that have it. If it is as long already, nothing happens.
    ///
    /// # Errors
    /// If `size` is more than it was set aside for.
    pub fn grow(&self, size: usize) -> Result<(), MemoryError> {
        self.block.grow(size)
    }

    /// Makes zeros of a range, and gives its memory back, in as far as it is whole pages.
    ///
    /// # Errors
    /// If it does not lie within.
    pub fn discard(&self, range: Range<usize>) -> Result<(), OutOfBounds> {
        self.block.discard(range)
    }

    /// A handle through which it cannot be written, which can go to another process.
    pub fn read_only(&self) -> SharedMemory<ReadOnly> {
        SharedMemory::of(Arc::clone(&self.block))
    }
}

impl SharedMemory<ReadOnly> {
    /// The memory of this name, to be read.
    ///
    /// # Errors
    /// As [`SharedMemory::attach`].
    pub fn attach_read_only(name: &str) -> Result<Self, MemoryError> {
        Ok(Self::of(Block::attach(name, false)?))
    }
}

impl<A: Access> SharedMemory<A> {
    fn of(block: impl Into<Arc<Block>>) -> Self {
        Self { block: block.into(), access: PhantomData }
    }

    /// Reads bytes, from this offset on, as many as there is space for.
    ///
    /// # Errors
    /// If there are not so many; then nothing is read.
    pub fn read(&self, offset: usize, bytes: &mut [u8]) -> Result<(), OutOfBounds> {
        self.block.read(offset, bytes)
    }

    /// A copy of all bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.len()];
        // it does not become shorter
        let _ = self.read(0, &mut bytes);
        bytes
    }

    /// How many bytes there are. Those that another process has added count.
    #[doc(alias = "size")]
    #[expect(clippy::len_without_is_empty, reason = "it never is")]
    pub fn len(&self) -> usize {
        self.block.len()
    }

    /// Its name, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.block.name()
    }

    /// Removes the name. The memory stays for those who have it, and the name can be that of another one.
    ///
    /// # Errors
    /// If there is no name, or it was removed already.
    pub fn unlink(&self) -> Result<(), MemoryError> {
        self.block.unlink()
    }

    /// Where the first byte is in this process, at the beginning of a page. The address is valid for [`len`](Self::len)
    /// bytes, as long as this handle exists. What is read there, another process may write at the same time; that is a data
    /// race, unless all use atomics or something else keeps them apart. Through a handle that is [`ReadOnly`] it must not be
    /// written.
    pub fn as_ptr(&self) -> *mut u8 {
        self.block.as_ptr()
    }
}

/// Another handle of the same memory.
impl<A: Access> Clone for SharedMemory<A> {
    fn clone(&self) -> Self {
        Self::of(Arc::clone(&self.block))
    }
}

impl<A: Access> Debug for SharedMemory<A> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedMemory").field("name", &self.name()).field("len", &self.len()).finish()
    }
}

impl<A: Access> Serialize for SharedMemory<A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.block.serialize(A::WRITES, serializer)
    }
}

impl<'de, A: Access> Deserialize<'de> for SharedMemory<A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Block::deserialize(A::WRITES, deserializer).map(Self::of)
    }
}
