//! Which types can lie in memory that processes share: [`Shared`], and what it takes.
//!
//! Another process may be of another build, and may end between any two of its stores. So a shared type has one
//! layout that is told by a hash, holds no address and nothing that has to be dropped, and where not every bit
//! pattern is a value, the bytes can be looked at before they are taken for one.
//!
//! # Safety
//! The implementations here are for types whose layout and valid values the language defines.
#![allow(unsafe_code)]

#[doc(hidden)]
pub mod advice;
mod candidate;
pub(crate) mod field;
mod layout;
mod string;
#[cfg(test)]
mod tests;

use std::marker::PhantomData;
use std::num::{NonZero, Wrapping};
use std::sync::atomic;

use zerocopy::TryFromBytes;

#[doc(hidden)]
pub use candidate::Candidate;
#[doc(hidden)]
pub use layout::Layout;
pub use string::{ShString, TooLong};

/// A type whose values can lie in memory that processes share.
///
/// Numbers, `bool`, `char`, arrays of such types, the integers of [`std::sync::atomic`], [`ShString`], and what bears
/// [`#[shared]`](macro@crate::shared) or `#[derive(Shared)]`, which is how to implement it for a type of one's own.
///
/// # Safety
/// * The layout is fixed (`repr(C)`, `repr(transparent)`, or a primitive representation), and `LAYOUT` tells it.
/// * There is no reference, pointer or anything else that has a meaning in one process or thread only, and nothing to drop.
///   (So it is `Send`. That is no supertrait, because a type that fails here would fail twice.)
/// * `is_valid` is true only of bytes that are a value. It reads no bytes of padding.
/// * `PADDED` is true if there are bytes between or after the fields, `CHECKED` if not every bit pattern is a value, and
///   `ATOMIC` is true only if all of it are atomics. `Form` says the same, or claims less.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot lie in shared memory",
    label = "not fit for shared memory",
    note = "numbers, `bool`, `char`, arrays, atomics and `carom::ShString<N>` for text are, and structs and enums of such types under `#[carom::shared]`; a list is a `carom::Array`; handles, as a `Value`, are sent and not put into shared memory"
)]
pub unsafe trait Shared: Sized + 'static {
    /// What two programs compare before they take some bytes for a value of this type.
    #[doc(hidden)]
    const LAYOUT: Layout;
    #[doc(hidden)]
    const PADDED: bool;
    #[doc(hidden)]
    const CHECKED: bool;
    #[doc(hidden)]
    const ATOMIC: bool;
    /// The three flags, as a type that bounds can name.
    #[doc(hidden)]
    type Form;

    /// Whether these bytes, of which there are as many as the type has, are a value.
    #[doc(hidden)]
    fn is_valid(candidate: Candidate<'_>) -> bool;
}

/// The flags of a [`Shared`] type. A generic type, whose flags are not known where it is defined, has `PADDED` and
/// `CHECKED`.
#[doc(hidden)]
pub struct Form<const PADDED: bool, const CHECKED: bool, const ATOMIC: bool>;

/// Types that can begin as zeros, because every bit pattern is a value.
#[diagnostic::on_unimplemented(
    message = "not every bit pattern is a `{Self}`, so it cannot begin as zeros",
    label = "not a type of plain numbers",
    note = "give the values to begin with: `Array::filled(value, len)` or `Array::new(&values)`"
)]
pub trait Zeroable: Shared {}
#[diagnostic::do_not_recommend]
impl<T: Shared> Zeroable for T where T::Form: HasAnyBits {}

/// Types that can be copied while another process writes them: every bit pattern is a value, and no byte is padding.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read and written without a lock",
    label = "has padding, or not every bit pattern of it is a value",
    note = "use `Value` or `Array`, which have a lock; without one there can be plain numbers, arrays and structs of them without padding, and atomics"
)]
pub trait Plain: Shared + Copy {}
#[diagnostic::do_not_recommend]
impl<T: Shared + Copy> Plain for T where T::Form: IsPlain {}

/// Types that are made of atomics only, so that all processes can have a reference to one at once.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not made of atomics only",
    label = "cannot be referred to without a lock",
    note = "use `load` and `store`, or `Value` and `Array`, which have a lock; or make all of it atomics"
)]
pub trait Atomic: Shared + Sync {}
#[diagnostic::do_not_recommend]
impl<T: Shared + Sync> Atomic for T where T::Form: IsAtomic {}

/// Types that need no lock: [`Plain`] or [`Atomic`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot lie in shared memory without a lock",
    label = "has padding, or not every bit pattern of it is a value",
    note = "use `Value` or `Array`, which have a lock; without one there can be plain numbers, arrays and structs of them without padding, and atomics"
)]
pub trait Lockless: Shared {}
#[diagnostic::do_not_recommend]
impl<T: Shared> Lockless for T where T::Form: IsLockless {}

#[doc(hidden)]
pub trait HasAnyBits {}
impl<const PADDED: bool, const ATOMIC: bool> HasAnyBits for Form<PADDED, false, ATOMIC> {}
#[doc(hidden)]
pub trait IsPlain: HasAnyBits {}
impl<const ATOMIC: bool> IsPlain for Form<false, false, ATOMIC> {}
#[doc(hidden)]
pub trait IsAtomic {}
impl<const PADDED: bool, const CHECKED: bool> IsAtomic for Form<PADDED, CHECKED, true> {}
#[doc(hidden)]
pub trait IsLockless {}
impl<const PADDED: bool, const CHECKED: bool> IsLockless for Form<PADDED, CHECKED, true> {}
impl IsLockless for Form<false, false, false> {}

macro_rules! leaf {
    ($($ty:ty: $checked:literal $atomic:literal $valid:expr;)*) => {$(
        #[diagnostic::do_not_recommend]
        // SAFETY: the language defines the layout, which has no padding; what is valid is said beside each.
        unsafe impl Shared for $ty {
            const LAYOUT: Layout = Layout::new(stringify!($ty), size_of::<Self>(), align_of::<Self>());
            const PADDED: bool = false;
            const CHECKED: bool = $checked;
            const ATOMIC: bool = $atomic;
            type Form = Form<false, $checked, $atomic>;

            fn is_valid(candidate: Candidate<'_>) -> bool {
                let valid: fn(Candidate<'_>) -> bool = $valid;
                valid(candidate)
            }
        }
    )*};
}

leaf! {
    (): false false |_| true;
    u8: false false |_| true;
    u16: false false |_| true;
    u32: false false |_| true;
    u64: false false |_| true;
    u128: false false |_| true;
    usize: false false |_| true;
    i8: false false |_| true;
    i16: false false |_| true;
    i32: false false |_| true;
    i64: false false |_| true;
    i128: false false |_| true;
    isize: false false |_| true;
    f32: false false |_| true;
    f64: false false |_| true;
    bool: true false |candidate| bool::try_read_from_bytes(&candidate.read::<1>()).is_ok();
    char: true false |candidate| char::try_read_from_bytes(&candidate.read::<4>()).is_ok();
    atomic::AtomicU8: false true |_| true;
    atomic::AtomicU16: false true |_| true;
    atomic::AtomicU32: false true |_| true;
    atomic::AtomicU64: false true |_| true;
    atomic::AtomicUsize: false true |_| true;
    atomic::AtomicI8: false true |_| true;
    atomic::AtomicI16: false true |_| true;
    atomic::AtomicI32: false true |_| true;
    atomic::AtomicI64: false true |_| true;
    atomic::AtomicIsize: false true |_| true;
    atomic::AtomicBool: true true |candidate| bool::is_valid(candidate);
}

macro_rules! nonzero {
    ($($ty:ty)*) => {$(
        #[diagnostic::do_not_recommend]
        // SAFETY: it has the layout of the number, and every value of that but zero.
        unsafe impl Shared for NonZero<$ty> {
            const LAYOUT: Layout = Layout::new("NonZero", size_of::<Self>(), align_of::<Self>()).field("0", 0, <$ty>::LAYOUT);
            const PADDED: bool = false;
            const CHECKED: bool = true;
            const ATOMIC: bool = false;
            type Form = Form<false, true, false>;

            fn is_valid(candidate: Candidate<'_>) -> bool {
                candidate.read::<{ size_of::<$ty>() }>() != [0; size_of::<$ty>()]
            }
        }
    )*};
}

nonzero! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }

#[diagnostic::do_not_recommend]
// SAFETY: an array is its elements, one after the other.
unsafe impl<T: Shared, const N: usize> Shared for [T; N] {
    const LAYOUT: Layout = Layout::new("array", size_of::<Self>(), align_of::<Self>()).field("0", N, T::LAYOUT);
    const PADDED: bool = T::PADDED;
    const CHECKED: bool = T::CHECKED;
    const ATOMIC: bool = T::ATOMIC;
    type Form = T::Form;

    fn is_valid(candidate: Candidate<'_>) -> bool {
        !T::CHECKED || (0..N).all(|i| candidate.field::<T>(i * size_of::<T>()))
    }
}

#[diagnostic::do_not_recommend]
// SAFETY: it has the layout and the values of its only field.
unsafe impl<T: Shared> Shared for Wrapping<T> {
    const LAYOUT: Layout = T::LAYOUT;
    const PADDED: bool = T::PADDED;
    const CHECKED: bool = T::CHECKED;
    const ATOMIC: bool = T::ATOMIC;
    type Form = T::Form;

    fn is_valid(candidate: Candidate<'_>) -> bool {
        T::is_valid(candidate)
    }
}

#[diagnostic::do_not_recommend]
// SAFETY: there is nothing in it, but what it stands for may be bound to a thread.
unsafe impl<T: Send + ?Sized + 'static> Shared for PhantomData<T> {
    const LAYOUT: Layout = Layout::new("PhantomData", 0, 1);
    const PADDED: bool = false;
    const CHECKED: bool = false;
    const ATOMIC: bool = true;
    type Form = Form<false, false, true>;

    fn is_valid(_: Candidate<'_>) -> bool {
        true
    }
}
