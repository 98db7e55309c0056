//! What players tell the supervisor: memory that they share with it, a slot for each part.
//!
//! # Safety
//! The memory is mapped before the first process is forked, for as long as this process lives, and zeros are a slot.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::SeqCst};

use crate::fault::{Fault, Kind};

/// What one part tells, whoever plays it.
#[repr(C)]
pub(super) struct Slot {
    /// How often it has done what it does.
    pub(super) rounds: AtomicU64,
    /// How often it was told that another process died.
    pub(super) told: AtomicU32,
    /// Whether it is doing what is done after such a death.
    pub(super) recovers: AtomicU32,
    /// What it found: 0, or one more than the place of the kind among all.
    kind: AtomicU32,
    length: AtomicU32,
    text: [AtomicU8; 232],
}

/// A slot for each of some parts.
#[derive(Clone, Copy)]
pub(super) struct Board {
    slots: NonNull<Slot>,
    count: usize,
}

impl Board {
    pub(super) fn new(count: usize) -> Self {
        let (rights, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        let length = count * size_of::<Slot>();
        // SAFETY: maps new memory.
        let memory = unsafe { libc::mmap(std::ptr::null_mut(), length, rights, flags, -1, 0) };
        assert_ne!(memory, libc::MAP_FAILED, "mmap: {}", std::io::Error::last_os_error());
        Self { slots: NonNull::new(memory).expect("memory is not at address 0").cast(), count }
    }

    pub(super) fn slots(&self) -> &'static [Slot] {
        // SAFETY: so many are mapped, for ever, and all their fields are atomics.
        unsafe { std::slice::from_raw_parts(self.slots.as_ptr(), self.count) }
    }
}

impl Slot {
    /// Leaves a fault for the supervisor to find. A later one takes the place of an earlier one.
    pub(super) fn leave(&self, fault: &Fault) {
        self.kind.store(0, SeqCst);
        let bytes = fault.text.as_bytes();
        let length = bytes.len().min(self.text.len());
        for (place, byte) in self.text.iter().zip(bytes) {
            place.store(*byte, SeqCst);
        }
        self.length.store(length as u32, SeqCst);
        self.kind.store(fault.kind.number() as u32 + 1, SeqCst);
    }

    /// Takes the fault that was left.
    pub(super) fn take(&self) -> Option<Fault> {
        let number = self.kind.swap(0, SeqCst).checked_sub(1)?;
        let length = self.length.load(SeqCst) as usize;
        let bytes: Vec<u8> = self.text[..length].iter().map(|byte| byte.load(SeqCst)).collect();
        Some(Kind::ALL[number as usize].0.fault(String::from_utf8_lossy(&bytes)))
    }
}
