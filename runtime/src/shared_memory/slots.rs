//! Slots of bytes in shared memory, each of a capacity that it was made with.
//!
//! | offset | what |
//! | --- | --- |
//! | 0 | magic number, number of slots (8 bytes each) |
//! | 16 | for each slot: the offset of its bytes, its capacity, its state (8 bytes each) |
//! | then | for each slot: two times its capacity |
//!
//! Whoever uses slots holds a lock that the kernel has for the file, because the memory can be written by anyone who has
//! it, in safe code too, and glibc's mutexes are not made for that.
//!
//! A slot's bytes are written into the half that is not in use; then one store of the state makes that the one in use.
//! So whoever is killed while it writes leaves what there was before, and there is nothing to repair.
//!
//! # Safety
//! What is referred to in place, the states, lies within the memory, is aligned, and made for sharing.
#![allow(unsafe_code)]

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::block::Block;
use crate::memory::MemoryError;
use crate::sys::{claims, memory_file};

const MAGIC: u64 = u64::from_ne_bytes(*b"caromls\x01");
const TABLE: usize = 16;
const ENTRY: usize = 24;

/// The bits of a state: what kind of bytes they are, which half they are in, and how many there are.
const KIND: u32 = 56;
const HALF: u64 = 1 << 55;
const LEN: u64 = HALF - 1;

pub(super) struct Slots {
    block: Arc<Block>,
    /// As they were when this process came to know of them; they never change.
    slots: Vec<Slot>,
    /// An open file for the lock, which is one between open files, and a lock for the threads that share it.
    file: OwnedFd,
    here: Mutex<()>,
}

struct Slot {
    offset: usize,
    capacity: usize,
}

impl Slots {
    /// How many bytes slots of these capacities need.
    pub(super) fn size(capacities: &[usize]) -> Option<usize> {
        let table = TABLE.checked_add(capacities.len().checked_mul(ENTRY)?)?;
        capacities.iter().try_fold(table, |size, capacity| size.checked_add(capacity.checked_mul(2)?))
    }

    /// Makes slots of memory that nobody knows of yet.
    pub(super) fn create(block: Arc<Block>, capacities: &[usize]) -> Result<Self, MemoryError> {
        let unfit = |_| MemoryError::Unfit { reason: "it is too small" };
        let mut offset = TABLE + capacities.len() * ENTRY;
        let mut slots = Vec::with_capacity(capacities.len());
        for (i, &capacity) in capacities.iter().enumerate() {
            let entry = [offset as u64, capacity as u64].map(u64::to_ne_bytes).concat();
            block.write(TABLE + i * ENTRY, &entry).map_err(unfit)?;
            slots.push(Slot { offset, capacity });
            offset += 2 * capacity;
        }
        let header = [MAGIC, capacities.len() as u64].map(u64::to_ne_bytes).concat();
        block.write(0, &header).map_err(unfit)?;
        Self::of(block, slots)
    }

    /// The slots of memory that another process made.
    pub(super) fn open(block: Arc<Block>) -> Result<Self, MemoryError> {
        let unfit = |reason| MemoryError::Unfit { reason };
        let word = |offset: usize| {
            let mut bytes = [0; 8];
            block.read(offset, &mut bytes).map_err(|_| unfit("it is too small for a list"))?;
            Ok(u64::from_ne_bytes(bytes))
        };
        if word(0)? != MAGIC {
            return Err(unfit("it is no list"));
        }
        let (count, len) = (word(8)?, block.len());
        let table = count.checked_mul(ENTRY as u64).and_then(|table| table.checked_add(TABLE as u64));
        let Some(start) = table.filter(|end| *end <= len as u64) else {
            return Err(unfit("it is shorter than its list"));
        };
        let slot = |i| {
            let (offset, capacity) = (word(TABLE + i * ENTRY)? as usize, word(TABLE + i * ENTRY + 8)? as usize);
            let end = capacity.checked_mul(2).and_then(|size| size.checked_add(offset));
            let fits = offset as u64 >= start && end.is_some_and(|end| end <= len);
            if fits { Ok(Slot { offset, capacity }) } else { Err(unfit("it is shorter than its list")) }
        };
        let slots = (0..count as usize).map(slot).collect::<Result<_, _>>()?;
        Self::of(block, slots)
    }

    fn of(block: Arc<Block>, slots: Vec<Slot>) -> Result<Self, MemoryError> {
        let file = memory_file::reopen(&*block, true).map_err(MemoryError::Io)?;
        Ok(Self { block, slots, file, here: Mutex::new(()) })
    }

    pub(super) fn block(&self) -> &Arc<Block> {
        &self.block
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn capacity(&self, index: usize) -> Option<usize> {
        Some(self.slots.get(index)?.capacity)
    }

    /// Lets `call` use slots while nobody else does.
    pub(super) fn locked<T>(&self, call: impl FnOnce(&Locked<'_>) -> T) -> T {
        let here = self.here.lock().unwrap_or_else(PoisonError::into_inner);
        // it fails only where the kernel has no memory for it; then what is read may be a mixture
        let _ = claims::wait_alone(&self.file, 0..1);
        let locked = Locked { slots: self, _here: here };
        call(&locked)
    }

    fn state(&self, index: usize) -> &AtomicU64 {
        // SAFETY: it is within the memory, as was checked, and aligned.
        unsafe { &*self.block.as_ptr().wrapping_add(TABLE + index * ENTRY + 16).cast::<AtomicU64>() }
    }
}

/// Slots that nobody else uses.
pub(super) struct Locked<'a> {
    slots: &'a Slots,
    _here: MutexGuard<'a, ()>,
}

impl Locked<'_> {
    /// The kind and the bytes in a slot.
    pub(super) fn get(&self, index: usize) -> Option<(u8, Vec<u8>)> {
        let slot = self.slots.slots.get(index)?;
        let state = self.slots.state(index).load(Relaxed);
        // what others wrote is not trusted
        let mut bytes = vec![0; ((state & LEN) as usize).min(slot.capacity)];
        let half = if state & HALF == 0 { 0 } else { slot.capacity };
        self.slots.block.read(slot.offset + half, &mut bytes).ok()?;
        Some(((state >> KIND) as u8, bytes))
    }

    /// Replaces what is in a slot; false if there is no such slot, or it has less capacity.
    pub(super) fn set(&self, index: usize, kind: u8, bytes: &[u8]) -> bool {
        let Some(slot) = self.slots.slots.get(index).filter(|slot| bytes.len() <= slot.capacity) else { return false };
        let state = self.slots.state(index);
        let other = !state.load(Relaxed) & HALF;
        let half = if other == 0 { 0 } else { slot.capacity };
        if self.slots.block.write(slot.offset + half, bytes).is_err() {
            return false;
        }
        // a process that is killed does not lose what its processor has not written yet, so the order of the code is
        // that of the memory as the next holder of the lock sees it; the compiler is told to keep it
        std::sync::atomic::compiler_fence(std::sync::atomic::Ordering::SeqCst);
        state.store(u64::from(kind) << KIND | other | bytes.len() as u64, Relaxed);
        true
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        claims::release(&self.slots.file, 0..1);
    }
}
