//! Bytes that may be a value.
//!
//! # Safety
//! Bytes are read within the bounds that the maker of a candidate vouched for.
#![allow(unsafe_code)]

use std::marker::PhantomData;

use super::Shared;

/// Bytes of which is to be found out whether they are a value. Those that are padding of the type are never read.
#[derive(Clone, Copy)]
pub struct Candidate<'a> {
    start: *const u8,
    len: usize,
    bytes: PhantomData<&'a [u8]>,
}

impl Candidate<'_> {
    /// # Safety
    /// There are `len` bytes at `start` that nobody writes during `'a`, and those that are not padding of the type in
    /// question are initialised.
    pub(crate) unsafe fn new(start: *const u8, len: usize) -> Self {
        Self { start, len, bytes: PhantomData }
    }

    /// Whether the field that begins at this offset is a value of its type.
    ///
    /// # Panics
    /// If the field is not within these bytes.
    pub fn field<T: Shared>(self, offset: usize) -> bool {
        T::is_valid(self.within(offset, size_of::<T>()))
    }

    /// The bytes of a field.
    ///
    /// # Panics
    /// If the field is not within these bytes.
    pub(super) fn within(self, offset: usize, len: usize) -> Self {
        assert!(offset <= self.len && len <= self.len - offset, "a field lies outside of its struct");
        // as a wrapping sum, because what comes of it is used as the assertion allows
        Self { start: self.start.wrapping_add(offset), len, bytes: PhantomData }
    }

    /// All bytes from `offset` on, of which there are `N`.
    ///
    /// # Panics
    /// If there are not so many.
    pub(super) fn rest<const N: usize>(&self, offset: usize) -> &[u8; N] {
        assert!(offset <= self.len && N <= self.len - offset, "a field lies outside of its struct");
        // SAFETY: there are so many bytes, which are initialised and not written meanwhile; an array of bytes has no
        // alignment.
        unsafe { &*self.start.wrapping_add(offset).cast::<[u8; N]>() }
    }

    /// The first bytes.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn read<const N: usize>(self) -> [u8; N] {
        assert!(N <= self.len, "a field lies outside of its struct");
        // SAFETY: there are so many bytes, which are initialised and not written meanwhile; an array of bytes has no
        // alignment.
        unsafe { self.start.cast::<[u8; N]>().read() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is<T: Shared>(bytes: &[u8]) -> bool {
        // SAFETY: a slice is what the function asks for.
        T::is_valid(unsafe { Candidate::new(bytes.as_ptr(), bytes.len()) })
    }

    #[test]
    fn bytes_that_are_no_value_are_found() {
        assert!(is::<bool>(&[1]));
        assert!(!is::<bool>(&[2]));
        assert!(is::<char>(&('\u{10FFFF}' as u32).to_ne_bytes()));
        assert!(!is::<char>(&0xD800_u32.to_ne_bytes()));
        assert!(!is::<char>(&0x0011_0000_u32.to_ne_bytes()));
        assert!(is::<std::num::NonZero<u32>>(&[0, 1, 0, 0]));
        assert!(!is::<std::num::NonZero<u32>>(&[0; 4]));
        assert!(is::<[bool; 3]>(&[0, 1, 1]));
        assert!(!is::<[bool; 3]>(&[0, 1, 255]));
        assert!(is::<[f64; 2]>(&[255; 16]));
    }

    #[test]
    #[should_panic(expected = "outside")]
    fn a_field_outside_of_its_struct_is_not_read() {
        is::<[bool; 3]>(&[0, 1]);
    }
}
