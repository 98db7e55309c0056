//! Files in this process's memory.
//!
//! A mapping lies in a range of addresses of its own that is reserved as a whole before, so that it can grow where
//! it is. When it ends, nothing of the file is left there, but the range stays reserved, and becomes that of a later
//! mapping: in glibc, a robust mutex that one thread unlocks while another one unmaps it can end in a write of the
//! kernel to that address after the thread's death (glibc's bug 14485), which must then not hit anything else of the
//! program.
//!
//! # Safety
//! Fixed addresses are given to the kernel only within ranges that this module has reserved and not given out
//! otherwise.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::io;
use std::num::NonZero;
use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

use nix::sys::mman::{MapFlags, ProtFlags, mmap, mmap_anonymous};

/// What the kernel maps is a multiple of this, on every machine that carom runs on.
pub(crate) const PAGE: usize = 4096;

/// The smallest range, and what all are a power of two of.
const SMALLEST: usize = 64 << 10;

/// Ranges without a mapping, by their length.
static RETIRED: Mutex<BTreeMap<usize, Vec<usize>>> = Mutex::new(BTreeMap::new());

/// A file in memory, shared with every process that maps it.
pub(crate) struct Map {
    start: NonNull<c_void>,
    /// How many bytes from `start` are this mapping's addresses.
    reserved: usize,
    access: ProtFlags,
}

// SAFETY: an address range; what is done there is up to who uses the pointer.
unsafe impl Send for Map {}
// SAFETY: as above.
unsafe impl Sync for Map {}

impl Map {
    /// The first `len` bytes of the file, where up to `most` can be.
    pub(crate) fn new(file: &impl AsFd, len: usize, most: usize, writable: bool) -> io::Result<Self> {
        let access = if writable { ProtFlags::PROT_READ | ProtFlags::PROT_WRITE } else { ProtFlags::PROT_READ };
        let reserved = most.max(SMALLEST).checked_next_power_of_two().ok_or(io::ErrorKind::OutOfMemory)?;
        // from here on, dropping it gives the range back
        let map = Self { start: range(reserved)?, reserved, access };
        map.place(file, 0, len)?;
        Ok(map)
    }

    /// Maps more of the file: what is before `from` is mapped already, and `from` is a multiple of a page.
    pub(crate) fn grow(&self, file: &impl AsFd, from: usize, to: usize) -> io::Result<()> {
        self.place(file, from, to)
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start.cast()
    }

    fn place(&self, file: &impl AsFd, from: usize, to: usize) -> io::Result<()> {
        let Some(len) = to.checked_sub(from).and_then(NonZero::new) else { return Ok(()) };
        if !from.is_multiple_of(PAGE) || to > self.reserved {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let start = NonZero::new(self.start.as_ptr().addr() + from);
        // SAFETY: the addresses are within the range that is this mapping's.
        unsafe { mmap(start, len, self.access, MapFlags::MAP_SHARED | MapFlags::MAP_FIXED, file, from as i64) }?;
        Ok(())
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_FIXED | MapFlags::MAP_NORESERVE;
        let (start, Some(len)) = (NonZero::new(self.start.as_ptr().addr()), NonZero::new(self.reserved)) else {
            return;
        };
        // SAFETY: the range is this mapping's, and whoever has it lets nobody use its addresses any more.
        if unsafe { mmap_anonymous(start, len, ProtFlags::PROT_NONE, flags) }.is_ok() {
            let mut retired = RETIRED.lock().unwrap_or_else(PoisonError::into_inner);
            retired.entry(self.reserved).or_default().push(self.start.as_ptr().expose_provenance());
        }
        // otherwise there are too many mappings, and it stays as it is
    }
}

/// A range of addresses where nothing is.
fn range(len: usize) -> io::Result<NonNull<c_void>> {
    let mut retired = RETIRED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(start) = retired.get_mut(&len).and_then(Vec::pop) {
        return NonNull::new(std::ptr::with_exposed_provenance_mut(start)).ok_or(io::ErrorKind::OutOfMemory.into());
    }
    drop(retired);
    let len = NonZero::new(len).ok_or(io::ErrorKind::InvalidInput)?;
    let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_NORESERVE;
    // SAFETY: the kernel chooses addresses where nothing is.
    let start = unsafe { mmap_anonymous(None, len, ProtFlags::PROT_NONE, flags) };
    // there are not so many addresses
    start.map_err(|_| io::ErrorKind::OutOfMemory.into())
}
