//! Contents with a lock.
//!
//! # Safety
//! The contents are referred to by a guard only, which holds the lock. All handles of an object have the same lock:
//! that is chosen when the object is made, and goes with it. What the bytes are was checked by the object's layout hash,
//! and those of a type of which not every bit pattern is a value were written as one, or are checked: when they come
//! from another process, and after a holder of the lock has ended.
#![allow(unsafe_code)]

use std::fmt::{Debug, Display, Formatter};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::what;
use crate::memory::{Head, MemoryError, Object, What};
use crate::shared::{Candidate, HasAnyBits, Shared};
use crate::sync::state::{self, Damage, Held};
use crate::sync::{Accept, Key, Lock, LockGuard, LockTimeoutError, OwnerDied, Relock, TryLockError};

/// What can be the contents: a value, or a slice of them.
pub(super) trait Contents {
    /// Whether not every bit pattern is valid.
    const CHECKED: bool;

    /// What an object with such contents is, of which there are `count`.
    fn what(count: usize) -> Result<What, MemoryError>;

    /// A pointer to the contents of an object that is what `what` tells.
    fn at(object: &Object) -> NonNull<Self>;

    /// Whether the bytes there are valid.
    ///
    /// # Safety
    /// It is in shared memory, aligned, and nobody writes it.
    unsafe fn is_valid(at: NonNull<Self>) -> bool;
}

impl<T: Shared> Contents for T {
    const CHECKED: bool = T::CHECKED;

    fn what(count: usize) -> Result<What, MemoryError> {
        if count == 1 { what::<T>("carom::Value", 1) } else { Err(MemoryError::Unfit { reason: "a value is one" }) }
    }

    fn at(object: &Object) -> NonNull<T> {
        object.contents().cast()
    }

    unsafe fn is_valid(at: NonNull<T>) -> bool {
        // SAFETY: bytes of shared memory are initialised, but for those of padding; the rest is the caller's.
        T::is_valid(unsafe { Candidate::new(at.cast().as_ptr(), size_of::<T>()) })
    }
}

impl<T: Shared> Contents for [T] {
    const CHECKED: bool = T::CHECKED;

    fn what(count: usize) -> Result<What, MemoryError> {
        what::<T>("carom::Array", count)
    }

    fn at(object: &Object) -> NonNull<[T]> {
        NonNull::slice_from_raw_parts(object.contents().cast(), object.count())
    }

    unsafe fn is_valid(at: NonNull<[T]>) -> bool {
        let first = at.cast::<T>().as_ptr();
        (0..at.len()).all(|i| {
            let bytes = first.wrapping_add(i).cast();
            // SAFETY: as above, for each of them.
            T::is_valid(unsafe { Candidate::new(bytes, size_of::<T>()) })
        })
    }
}

/// A handle of contents with a lock.
pub(super) struct Locked<C: ?Sized> {
    pub(super) object: Arc<Object>,
    /// That of the object itself, or another one.
    pub(super) lock: Lock,
    contents: NonNull<C>,
    /// How often a holder had ended when the contents were last found valid.
    seen: AtomicU64,
}

// SAFETY: shared types can be used by any thread, as they can by any process; guards hold the lock.
unsafe impl<C: ?Sized> Send for Locked<C> {}
// SAFETY: as above.
unsafe impl<C: ?Sized> Sync for Locked<C> {}

// Whoever panics under the lock leaves it marked, as std's mutexes are.
impl<C: ?Sized> UnwindSafe for Locked<C> {}
impl<C: ?Sized> RefUnwindSafe for Locked<C> {}

/// For a handle that has found the contents valid at no time.
const NEVER: u64 = u64::MAX;

impl<C: Contents + ?Sized> Locked<C> {
    /// Makes an object of `count` values, which `init` writes.
    ///
    /// # Safety
    /// When `init` has returned, the contents are valid.
    pub(super) unsafe fn create(
        count: usize,
        lock: Option<&Lock>,
        init: impl FnOnce(NonNull<u8>),
    ) -> Result<Self, MemoryError> {
        let mut what = C::what(count)?;
        what.layout = with_lock(what.layout, lock);
        let object = Object::create(what, init)?;
        let locked = Self::of(object, lock.cloned());
        locked.seen.store(state::deaths(locked.lock.object.head()).into(), Relaxed);
        Ok(locked)
    }

    fn of(object: Object, lock: Option<Lock>) -> Self {
        let contents = C::at(&object);
        let object = Arc::new(object);
        let lock = lock.unwrap_or_else(|| Lock { object: Arc::clone(&object) });
        Self { object, lock, contents, seen: NEVER.into() }
    }

    /// The contents, to be asked for their number.
    pub(super) fn contents(&self) -> NonNull<C> {
        self.contents
    }

    #[inline]
    #[track_caller]
    pub(super) fn lock(&self) -> Result<Guard<'_, C>, OwnerDied<Guard<'_, C>>> {
        self.guard(state::lock(self.lock.object.head()))
    }

    pub(super) fn try_lock(&self) -> Result<Guard<'_, C>, TryLockError<Guard<'_, C>>> {
        let held = state::try_lock(self.lock.object.head()).ok_or(TryLockError::WouldBlock)?;
        Ok(self.guard(held)?)
    }

    #[track_caller]
    pub(super) fn lock_timeout(&self, timeout: Duration) -> Result<Guard<'_, C>, LockTimeoutError<Guard<'_, C>>> {
        let held = state::lock_timeout(self.lock.object.head(), timeout).ok_or(LockTimeoutError::Timeout)?;
        Ok(self.guard(held)?)
    }

    #[inline]
    fn guard<'a>(&'a self, held: Held<'a>) -> Result<Guard<'a, C>, OwnerDied<Guard<'a, C>>> {
        Guard { held, contents: Exclusive(self.contents, PhantomData), seen: &self.seen }.looked_at()
    }

    /// What a lock that is held already gives access to.
    #[track_caller]
    fn under(&self, guard: &LockGuard<'_>) -> NonNull<C> {
        assert!(guard.is_of(&self.lock), "the guard is of another lock than that of this value");
        let deaths = u64::from(state::deaths(self.lock.object.head()));
        if C::CHECKED && self.seen.load(Relaxed) != deaths {
            // SAFETY: it is in shared memory and aligned, and the lock is held.
            let valid = unsafe { C::is_valid(self.contents) };
            assert!(
                valid,
                "a holder of the lock died and left bytes that are no value: take them by `lock`, and `replace` them"
            );
            self.seen.store(deaths, Relaxed);
        }
        self.contents
    }

    #[track_caller]
    pub(super) fn borrow<'a>(&'a self, guard: &'a LockGuard<'_>) -> &'a C {
        // SAFETY: the lock is held, and what could change the contents borrows the guard exclusively.
        unsafe { self.under(guard).as_ref() }
    }

    #[track_caller]
    pub(super) fn borrow_mut<'a>(&'a self, guard: &'a mut LockGuard<'_>) -> &'a mut C {
        // SAFETY: the lock is held, and whatever else gives access to the contents borrows the guard.
        unsafe { self.under(guard).as_mut() }
    }

    /// The contents if nobody holds the lock, as std's mutexes show them.
    pub(super) fn debug(&self, name: &str, f: &mut Formatter<'_>) -> std::fmt::Result
    where
        C: Debug,
    {
        let mut debug = f.debug_struct(name);
        match self.try_lock() {
            Ok(guard) => debug.field("data", &&*guard).finish(),
            Err(TryLockError::OwnerDied(died)) => debug.field("doubt", &died).finish_non_exhaustive(),
            Err(TryLockError::WouldBlock) => debug.field("data", &format_args!("<locked>")).finish(),
        }
    }

    pub(super) fn serialize<S: Serializer>(&self, name: &str, serializer: S) -> Result<S::Ok, S::Error> {
        let other = (!self.lock.object.is(&self.object)).then_some(&self.lock);
        (Goes { name, object: &self.object }, other).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (Comes(object, layout, _), lock) = <(Comes<C>, Option<Lock>)>::deserialize(deserializer)?;
        // two handles with different locks would give it out twice
        object.check(with_lock(layout, lock.as_ref())).map_err(serde::de::Error::custom)?;
        Ok(Self::of(object, lock))
    }
}

/// An object on its way to another process.
struct Goes<'a> {
    name: &'a str,
    object: &'a Object,
}

impl Serialize for Goes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.object.serialize(self.name, serializer)
    }
}

/// The layout hash of an object whose lock is another one, and so is a part of what it is.
fn with_lock(layout: u64, lock: Option<&Lock>) -> u64 {
    lock.map_or(layout, |lock| layout ^ lock.object.number().rotate_left(1))
}

/// An object with the size of such contents, from another process, and the layout hash that it should have but for its lock.
struct Comes<C: ?Sized>(Object, u64, PhantomData<C>);

impl<'de, C: Contents + ?Sized> Deserialize<'de> for Comes<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut layout = 0;
        let expected = |count| {
            let what = C::what(count)?;
            layout = what.layout;
            Ok(what)
        };
        let object = Object::deserialize_unchecked(expected, deserializer)?;
        Ok(Self(object, layout, PhantomData))
    }
}

impl<C: ?Sized> Clone for Locked<C> {
    fn clone(&self) -> Self {
        let seen = self.seen.load(Relaxed).into();
        Self { object: Arc::clone(&self.object), lock: self.lock.clone(), contents: self.contents, seen }
    }
}

/// The contents of a [`Value`](crate::Value) or an [`Array`](crate::Array), locked until this is dropped.
///
/// If the process ends before, by whatever cause, or panics, the next one to take the lock is told of it.
#[must_use = "the lock is released when this is dropped"]
pub struct Guard<'a, C: ?Sized> {
    held: Held<'a>,
    contents: Exclusive<'a, C>,
    seen: &'a AtomicU64,
}

/// A pointer to what nobody else refers to.
#[doc(hidden)]
pub struct Exclusive<'a, C: ?Sized>(NonNull<C>, PhantomData<&'a mut C>);

// SAFETY: it is as a reference that can be written through.
unsafe impl<C: Send + ?Sized> Send for Exclusive<'_, C> {}
// SAFETY: as above.
unsafe impl<C: Sync + ?Sized> Sync for Exclusive<'_, C> {}

#[allow(private_bounds, reason = "values and slices of them")]
impl<C: Contents + ?Sized> Guard<'_, C> {
    /// The guard of a lock that was just taken, for users.
    #[inline]
    fn looked_at(self) -> Result<Self, OwnerDied<Self>> {
        match self.held.damage() {
            None if !C::CHECKED || self.is_checked() || self.find_valid() => Ok(self),
            None => Err(OwnerDied { guard: self, damage: Damage::Invalid { pid: None } }),
            Some(damage) => Err(OwnerDied { guard: self, damage }),
        }
    }

    /// Whether the contents were found valid since a holder of the lock ended the last time.
    fn is_checked(&self) -> bool {
        self.seen.load(Relaxed) == u64::from(self.held.deaths())
    }

    #[cold]
    fn find_valid(&self) -> bool {
        // SAFETY: it is in shared memory and aligned, and the lock is held.
        let valid = !C::CHECKED || unsafe { C::is_valid(self.contents.0) };
        if valid {
            self.seen.store(self.held.deaths().into(), Relaxed);
        }
        valid
    }
}

impl<C: ?Sized> Deref for Guard<'_, C> {
    type Target = C;

    #[inline]
    fn deref(&self) -> &C {
        // SAFETY: the lock is held, and a guard that users see is of valid contents.
        unsafe { self.contents.0.as_ref() }
    }
}

impl<C: ?Sized> DerefMut for Guard<'_, C> {
    #[inline]
    fn deref_mut(&mut self) -> &mut C {
        // SAFETY: the lock is held, and a guard that users see is of valid contents.
        unsafe { self.contents.0.as_mut() }
    }
}

impl<C: Display + ?Sized> Display for Guard<'_, C> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        Display::fmt(&**self, f)
    }
}

impl<C: Debug + ?Sized> Debug for Guard<'_, C> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        Debug::fmt(&**self, f)
    }
}

#[allow(private_bounds, reason = "values and slices of them")]
#[diagnostic::do_not_recommend]
impl<'a, C: Contents + ?Sized> Relock for Guard<'a, C> {
    type Lock = (&'a Head, Exclusive<'a, C>, &'a AtomicU64);

    fn unlock(self, _: Key) -> Self::Lock {
        let Self { held, contents, seen } = self;
        (held.release(), contents, seen)
    }

    fn is_left((lock, ..): &Self::Lock, _: Key) -> bool {
        state::is_left(lock)
    }

    fn relock((lock, contents, seen): Self::Lock, _: Key) -> Result<Self, OwnerDied<Self>> {
        Self { held: state::lock_regardless(lock), contents, seen }.looked_at()
    }
}

#[allow(private_bounds, reason = "values and slices of them")]
impl<'a, C: Contents + ?Sized> OwnerDied<Guard<'a, C>> {
    /// The contents, as [`into_guard`](Self::into_guard) gives them, if the bytes are a value of the type at all.
    ///
    /// # Errors
    /// That they are [not](Self::is_invalid); then [`replace`](Self::replace) them.
    pub fn check(self) -> Result<Guard<'a, C>, Self> {
        if self.guard.find_valid() {
            return Ok(self.accepted());
        }
        Err(Self { damage: Damage::Invalid { pid: self.pid() }, ..self })
    }

    fn accepted(self) -> Guard<'a, C> {
        let mut guard = self.guard;
        guard.held.repaired();
        guard
    }
}

#[diagnostic::do_not_recommend]
impl<T: Shared> Accept for Guard<'_, T>
where
    T::Form: HasAnyBits,
{
    fn accept(&mut self) {
        self.held.repaired();
    }
}

#[diagnostic::do_not_recommend]
impl<T: Shared> Accept for Guard<'_, [T]>
where
    T::Form: HasAnyBits,
{
    fn accept(&mut self) {
        self.held.repaired();
    }
}

impl<'a, T: Shared> OwnerDied<Guard<'a, T>> {
    /// Overwrites the contents.
    pub fn replace(self, value: T) -> Guard<'a, T> {
        // SAFETY: the lock is held; what is overwritten has nothing to drop.
        unsafe { self.guard.contents.0.write(value) };
        self.guard.find_valid();
        self.accepted()
    }
}

impl<'a, T: Shared> OwnerDied<Guard<'a, [T]>> {
    /// Overwrites the contents by what `value` gives for each index.
    pub fn replace(self, mut value: impl FnMut(usize) -> T) -> Guard<'a, [T]> {
        let len = self.guard.contents.0.len();
        let first = self.guard.contents.0.cast::<T>().as_ptr();
        for i in 0..len {
            // SAFETY: the lock is held, and there are so many; what is overwritten has nothing to drop.
            unsafe { first.wrapping_add(i).write(value(i)) };
        }
        self.guard.find_valid();
        self.accepted()
    }
}

crate::sync::released_by_question_mark! { [C: ?Sized] Guard<'_, C> }
