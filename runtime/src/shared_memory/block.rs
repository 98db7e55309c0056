//! A piece of memory as bytes.
//!
//! # Safety
//! Bytes are copied by `racing`, within what is mapped, which is within the file: that cannot become shorter if it has
//! no name, and those who attach to a name are told to trust who made it.
#![allow(unsafe_code)]

use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering::Acquire, Ordering::Release};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::named::{self, Name};
use crate::codec::transfer;
use crate::memory::{MemoryError, OutOfBounds};
use crate::sys::map::{Map, PAGE};
use crate::sys::{memory_file, racing};

pub(super) struct Block {
    map: Map,
    file: OwnedFd,
    /// How many bytes are mapped.
    len: AtomicUsize,
    /// How many there can be.
    most: usize,
    writable: bool,
    growing: Mutex<()>,
    name: OnceLock<Name>,
}

/// What of a block travels.
#[derive(Serialize, Deserialize)]
struct Wire {
    file: u32,
    most: usize,
    name: Option<String>,
}

impl Block {
    pub(super) fn anonymous(size: usize, most: usize) -> Result<Self, MemoryError> {
        check_size(size)?;
        check_size(most)?;
        let grows = most > size;
        let file = memory_file::zeros(c"carom", size as u64, grows).map_err(|error| MemoryError::of(error, size))?;
        Self::map(file, (size, most), true, None)
    }

    /// Memory where names are, which has none yet.
    pub(super) fn nameable(name: &str, size: usize) -> Result<Self, MemoryError> {
        named::check(name)?;
        check_size(size)?;
        Self::map(named::make(name, size)?, (size, size), true, None)
    }

    /// Gives it its name.
    pub(super) fn publish(&self, name: &str, owned: bool) -> Result<(), MemoryError> {
        let name = named::publish(&self.file, name, owned)?;
        // it has none before, because it is published once
        let _ = self.name.set(name);
        Ok(())
    }

    pub(super) fn attach(name: &str, writable: bool) -> Result<Self, MemoryError> {
        named::check(name)?;
        let (file, size, name) = named::open(name, writable)?;
        Self::map(file, (size, size), writable, Some(name))
    }

    fn map(
        file: OwnedFd,
        (size, most): (usize, usize),
        writable: bool,
        name: Option<Name>,
    ) -> Result<Self, MemoryError> {
        let map = Map::new(&file, size, most, writable).map_err(|error| MemoryError::of(error, most))?;
        let name = name.map(OnceLock::from).unwrap_or_default();
        Ok(Self { map, file, len: size.into(), most, writable, growing: Mutex::new(()), name })
    }

    pub(super) fn as_ptr(&self) -> *mut u8 {
        self.map.start().as_ptr()
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.name.get().map(Name::as_str)
    }

    pub(super) fn unlink(&self) -> Result<(), MemoryError> {
        self.name.get().ok_or(MemoryError::Nameless)?.unlink()
    }

    pub(super) fn len(&self) -> usize {
        let len = self.len.load(Acquire);
        if len < self.most { self.follow() } else { len }
    }

    pub(super) fn read(&self, offset: usize, bytes: &mut [u8]) -> Result<(), OutOfBounds> {
        self.check(offset, bytes.len())?;
        // SAFETY: so many bytes are mapped, and the slice is this process's alone.
        unsafe { racing::copy_in(self.as_ptr().wrapping_add(offset), bytes.as_mut_ptr(), bytes.len()) };
        Ok(())
    }

    /// The caller's handle is one that can write.
    pub(super) fn write(&self, offset: usize, bytes: &[u8]) -> Result<(), OutOfBounds> {
        debug_assert!(self.writable, "handles that write are made of blocks that can be written");
        self.check(offset, bytes.len())?;
        // SAFETY: so many bytes are mapped.
        unsafe { racing::copy_out(bytes.as_ptr(), self.as_ptr().wrapping_add(offset), bytes.len()) };
        Ok(())
    }

    pub(super) fn discard(&self, Range { start, end }: Range<usize>) -> Result<(), OutOfBounds> {
        self.check(start, end.saturating_sub(start))?;
        if start < end {
            // the kernel refuses this to nobody who can write the file
            let _ = memory_file::punch(&self.file, start as u64..end as u64);
        }
        Ok(())
    }

    pub(super) fn grow(&self, size: usize) -> Result<(), MemoryError> {
        if size > self.most {
            return Err(MemoryError::Full { size, most: self.most });
        }
        let _growing = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        if size > self.file_len()
            && let Err(error) = memory_file::grow(&self.file, size as u64)
            // another process may have made it longer still in between; it cannot become shorter
            && size > self.file_len()
        {
            return Err(MemoryError::of(error, size));
        }
        drop(_growing);
        self.follow();
        Ok(())
    }

    /// Maps what has been added to the file; how many bytes there are now.
    fn follow(&self) -> usize {
        let _growing = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        let (mapped, len) = (self.len.load(Acquire), self.file_len());
        if len > mapped && self.map.grow(&self.file, mapped.next_multiple_of(PAGE), len).is_ok() {
            self.len.store(len, Release);
            return len;
        }
        mapped
    }

    fn file_len(&self) -> usize {
        memory_file::len(&self.file).map_or(0, |len| (len as usize).min(self.most))
    }

    fn check(&self, start: usize, count: usize) -> Result<(), OutOfBounds> {
        let end = start.saturating_add(count);
        if end <= self.len.load(Acquire) {
            return Ok(());
        }
        let len = self.len();
        if end <= len { Ok(()) } else { Err(OutOfBounds { start, end, len }) }
    }

    pub(super) fn serialize<S: Serializer>(&self, writes: bool, serializer: S) -> Result<S::Ok, S::Error> {
        let what = "a `SharedMemory`";
        let file = if writes == self.writable {
            transfer::give(what, &self.file)?
        } else {
            let file = memory_file::reopen(&self.file, writes).map_err(serde::ser::Error::custom)?;
            transfer::give(what, &file)?
        };
        Wire { file, most: self.most, name: self.name().map(str::to_owned) }.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(writes: bool, deserializer: D) -> Result<Self, D::Error> {
        let Wire { file, most, name } = Wire::deserialize(deserializer)?;
        let file: OwnedFd = transfer::take(file)?;
        Self::received(file, most, name, writes).map_err(serde::de::Error::custom)
    }

    fn received(file: OwnedFd, most: usize, name: Option<String>, writes: bool) -> Result<Self, MemoryError> {
        let unfit = |reason| MemoryError::Unfit { reason };
        let len = match &name {
            // a name's memory cannot be sealed
            Some(_) if named::is_there(&file)? => memory_file::len(&file).map_err(MemoryError::Io)?,
            Some(_) => return Err(unfit("it is not memory where names are")),
            None => {
                memory_file::sealed_len(&file).map_err(|_| unfit("it is not memory that nobody can make shorter"))?
            }
        };
        check_size(len as usize)?;
        if writes && !memory_file::is_writable(&file).map_err(MemoryError::Io)? {
            return Err(unfit("it can only be read: receive it as `SharedMemory<ReadOnly>`"));
        }
        let name = name.map(|name| Name::told(&name, &file)).transpose()?;
        Self::map(file, (len as usize, most.max(len as usize)), writes, name)
    }
}

impl AsFd for Block {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn check_size(size: usize) -> Result<(), MemoryError> {
    match size {
        0 => Err(MemoryError::Empty),
        _ if size > isize::MAX as usize => Err(MemoryError::TooLarge { size }),
        _ => Ok(()),
    }
}
