//! Reading and writing memory that other processes write at the same time.
//!
//! What is copied is never undefined, but may be a mixture of old and new: only numbers of 1, 2, 4 and 8 bytes are
//! copied at once.
//!
//! # Safety
//! Each copy is made of relaxed atomic accesses: of a whole number where the type has the size and alignment of one,
//! and of bytes otherwise. On x86-64, many bytes are copied by one instruction, which the compiler cannot look into; it
//! does to memory what as many relaxed accesses would do.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::shared::Plain;

/// How many bytes are worth the instruction.
const MANY: usize = 48;

/// # Safety
/// There is a `T` at `from`, aligned, which others write in the same way only.
#[inline]
pub(crate) unsafe fn load<T: Plain>(from: *const T) -> T {
    let mut value = MaybeUninit::<T>::uninit();
    let to = value.as_mut_ptr();
    macro_rules! at_once {
        ($($number:ty, $atomic:ty;)*) => {
            match size_of::<T>() {
                $(size if size == size_of::<$number>() && align_of::<T>() >= align_of::<$number>() => {
                    // SAFETY: it is there, of this size and alignment, and written atomically by others.
                    let number = unsafe { &*from.cast::<$atomic>() }.load(Relaxed);
                    // SAFETY: there is space of this size and alignment.
                    unsafe { to.cast::<$number>().write(number) };
                })*
                // SAFETY: both are of this many bytes, one is this process's alone.
                size => unsafe { copy_in(from.cast(), to.cast(), size) },
            }
        };
    }
    at_once! { u8, AtomicU8; u16, AtomicU16; u32, AtomicU32; u64, AtomicU64; }
    // SAFETY: all of it was written, and every bit pattern is a `T`.
    unsafe { value.assume_init() }
}

/// # Safety
/// There is a `T` at `to`, aligned, which others write and read in the same way only.
#[inline]
pub(crate) unsafe fn store<T: Plain>(to: *mut T, value: T) {
    let from = &raw const value;
    macro_rules! at_once {
        ($($number:ty, $atomic:ty;)*) => {
            match size_of::<T>() {
                $(size if size == size_of::<$number>() && align_of::<T>() >= align_of::<$number>() => {
                    // SAFETY: it has this size and alignment, and no padding.
                    let number = unsafe { from.cast::<$number>().read() };
                    // SAFETY: it is there, of this size and alignment, and accessed atomically by others.
                    unsafe { &*to.cast::<$atomic>() }.store(number, Relaxed);
                })*
                // SAFETY: both are of this many bytes, one is this process's alone; a plain type has no padding.
                size => unsafe { copy_out(from.cast(), to.cast(), size) },
            }
        };
    }
    at_once! { u8, AtomicU8; u16, AtomicU16; u32, AtomicU32; u64, AtomicU64; }
}

/// Copies from shared memory into this process's.
///
/// # Safety
/// There are `len` bytes at both, and nobody else uses those at `to`.
pub(crate) unsafe fn copy_in(from: *const u8, to: *mut u8, len: usize) {
    #[cfg(target_arch = "x86_64")]
    if len >= MANY {
        // SAFETY: the caller's.
        return unsafe { move_bytes(from, to, len) };
    }
    for i in 0..len {
        // SAFETY: within the bytes.
        let byte = unsafe { &*from.wrapping_add(i).cast::<AtomicU8>() }.load(Relaxed);
        // SAFETY: within the bytes.
        unsafe { to.wrapping_add(i).write(byte) };
    }
}

/// Copies from this process's memory into the shared one.
///
/// # Safety
/// There are `len` bytes at both, initialised ones at `from`, which nobody writes meanwhile.
pub(crate) unsafe fn copy_out(from: *const u8, to: *mut u8, len: usize) {
    #[cfg(target_arch = "x86_64")]
    if len >= MANY {
        // SAFETY: the caller's.
        return unsafe { move_bytes(from, to, len) };
    }
    for i in 0..len {
        // SAFETY: within the bytes.
        let byte = unsafe { from.wrapping_add(i).read() };
        // SAFETY: within the bytes.
        unsafe { &*to.wrapping_add(i).cast::<AtomicU8>() }.store(byte, Relaxed);
    }
}

/// # Safety
/// There are `len` bytes at both, which do not overlap.
#[cfg(target_arch = "x86_64")]
unsafe fn move_bytes(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: the instruction reads and writes these bytes and three registers; the direction flag is clear by the ABI.
    unsafe {
        std::arch::asm!(
            "rep movsb",
            inout("rcx") len => _,
            inout("rsi") from => _,
            inout("rdi") to => _,
            options(nostack, preserves_flags),
        );
    }
}
