//! Objects: what a handle refers to.
//!
//! An object is a [`Head`] and contents, in a segment. Its handle is the segment, the offset, and the generation, which
//! is a number that no other object of the segment had: a handle that has outlived its object (which takes a
//! transfer outside of carom) finds another one, or none.
//!
//! # Safety
//! The address of an object is in a segment that the handle keeps mapped, and its extent is claimed as long as there is
//! a handle (see `segment`), so that nothing else is placed there.
#![allow(unsafe_code)]

use std::alloc::Layout;
use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::arena;
use super::error::MemoryError;
use super::extents::GRAIN;
use super::segment::{Left, Segment, forget_unused};
use super::space::PIECE;
use crate::codec::transfer;
use crate::shared;
use crate::sys::map::PAGE;
use crate::sys::mutex::RobustMutex;
use crate::sys::this_process;

/// What every object begins with. (It is public because `Relock::Lock` is, and nobody outside can name it.)
#[repr(C, align(64))]
pub struct Head {
    pub(crate) mutex: RobustMutex,
    /// The process that holds the mutex; 0 if none does.
    pub(crate) owner: AtomicU32,
    /// Why the contents may be half-changed (see `sync::state`); 0 if they are whole.
    pub(crate) damage: AtomicU32,
    /// How often a holder of the mutex has ended.
    pub(crate) deaths: AtomicU32,
    /// Which object this is; 0 if it has ended.
    generation: AtomicU32,
    /// What the contents are, and how many.
    layout: AtomicU64,
}

const _: () = assert!(std::mem::offset_of!(Head, mutex) == 0);

/// A handle, of which a process may have several for one object.
pub(crate) struct Object {
    head: NonNull<Head>,
    contents: NonNull<u8>,
    segment: Arc<Segment>,
    range: Range<u64>,
    generation: u32,
    count: usize,
}

// SAFETY: what is in the head is made for many threads and processes; the contents are pointed to, and who uses that
// pointer has to know more.
unsafe impl Send for Object {}
// SAFETY: as above.
unsafe impl Sync for Object {}

// A panic leaves nothing of a handle half-changed; what is shared is other processes' as well, and has to bear worse.
impl UnwindSafe for Object {}
impl RefUnwindSafe for Object {}

/// What an object is.
pub(crate) struct What {
    /// The hash of what the contents are, and how many; with [`PRIVATE`], if no [`Lock`](crate::Lock) is to be had of it.
    pub(crate) layout: u64,
    /// The space that they take.
    pub(crate) contents: Layout,
    pub(crate) count: usize,
}

/// In a layout hash: the mutex is for what the object's own type does with it.
pub(crate) const PRIVATE: u64 = 1 << 63;

/// What of a handle travels.
#[derive(Serialize, Deserialize)]
struct Wire {
    segment: u32,
    offset: u64,
    len: u64,
    generation: u32,
    count: usize,
}

/// Where an object with such contents can lie.
struct Extent {
    len: u64,
    align: u64,
    /// Where in it the contents begin.
    contents: u64,
}

impl Extent {
    fn of(contents: Layout) -> Result<Self, MemoryError> {
        let too_large = MemoryError::TooLarge { size: contents.size() };
        let (whole, start) = Layout::new::<Head>().extend(contents).map_err(|_| too_large)?;
        let len = (whole.size() as u64).next_multiple_of(GRAIN);
        let grain = if len < PIECE { GRAIN } else { PAGE as u64 };
        Ok(Self { len: len.next_multiple_of(grain), align: grain.max(whole.align() as u64), contents: start as u64 })
    }
}

impl Object {
    /// Places an object. Its contents are zeros until `init` has written them, which is called before anything else can
    /// refer to the object.
    pub(crate) fn create(what: What, init: impl FnOnce(NonNull<u8>)) -> Result<Self, MemoryError> {
        let What { layout, contents, count } = what;
        // other alignments than these would need other segments
        if contents.align() > PAGE {
            return Err(MemoryError::Unfit { reason: "nothing in it can be aligned to more than a page" });
        }
        let extent = Extent::of(contents)?;
        let (segment, place) = arena::place(extent.len, extent.align, end)?;
        let range = place.offset..place.offset + extent.len;
        // from here on, dropping it gives the place back
        let object = Self::at(segment, range, (place.generation, count), &extent)?;
        if !place.zero {
            // SAFETY: the place is within the segment and nobody else's.
            unsafe { object.head.cast::<u8>().write_bytes(0, extent.len as usize) };
        }
        // the mutex is the first field
        let mutex = object.head.cast::<RobustMutex>().as_ptr();
        // SAFETY: as above; where only zeros are, nobody uses a mutex.
        unsafe { RobustMutex::init(mutex) }.map_err(MemoryError::Io)?;
        init(object.contents);
        object.head().layout.store(layout, Relaxed);
        object.head().generation.store(place.generation, Relaxed);
        Ok(object)
    }

    /// A handle that the segment knows of.
    fn at(
        segment: Arc<Segment>,
        range: Range<u64>,
        (generation, count): (u32, usize),
        extent: &Extent,
    ) -> Result<Self, MemoryError> {
        let head = segment.check(&range, extent.align).ok_or(MemoryError::Unfit { reason: OUTSIDE })?;
        // SAFETY: the contents are within the extent, which is within the segment.
        let contents = unsafe { head.add(extent.contents as usize) };
        Ok(Self { head: head.cast(), contents, segment, range, generation, count })
    }

    pub(crate) fn head(&self) -> &Head {
        // SAFETY: it is there and aligned, as long as the segment is mapped, and of types that allow for sharing.
        unsafe { self.head.as_ref() }
    }

    /// How many values the contents are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Where the contents are.
    pub(crate) fn contents(&self) -> NonNull<u8> {
        self.contents
    }

    /// Whether the two are handles of one object.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.head == other.head
    }

    /// What makes the handle again in another process. The object stays in use as long as the message exists.
    pub(crate) fn serialize<S: Serializer>(&self, what: &str, serializer: S) -> Result<S::Ok, S::Error> {
        let lend = |file: BorrowedFd<'_>| self.segment.lend(self.range.clone(), file);
        let segment = transfer::give_opened(what, self.segment.identity(), || self.segment.open(), lend)?;
        let Range { start: offset, end } = self.range;
        Wire { segment, offset, len: end - offset, generation: self.generation, count: self.count }
            .serialize(serializer)
    }

    /// The handle of an object that must be what `expected` says, for the number of values that it is said to have.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        expected: impl FnOnce(usize) -> Result<What, MemoryError>,
        deserializer: D,
    ) -> Result<Self, D::Error> {
        let mut layout = 0;
        let expected = |count| expected(count).inspect(|what| layout = what.layout);
        let object = Self::deserialize_unchecked(expected, deserializer)?;
        object.check(layout).map_err(serde::de::Error::custom)?;
        Ok(object)
    }

    /// The same, with the layout hash left to be [checked](Self::check).
    pub(crate) fn deserialize_unchecked<'de, D: Deserializer<'de>>(
        expected: impl FnOnce(usize) -> Result<What, MemoryError>,
        deserializer: D,
    ) -> Result<Self, D::Error> {
        Self::received(deserializer, |wire| {
            let extent = Extent::of(expected(wire.count)?.contents)?;
            if wire.len == extent.len { Ok(extent) } else { Err(MemoryError::Unfit { reason: OTHER }) }
        })
    }

    /// Whether the object is what this layout hash tells.
    pub(crate) fn check(&self, layout: u64) -> Result<(), MemoryError> {
        let is = self.head().layout.load(Relaxed) == layout;
        if is { Ok(()) } else { Err(MemoryError::Unfit { reason: OTHER }) }
    }

    /// A number that other objects hardly have, the same in all processes.
    pub(crate) fn number(&self) -> u64 {
        let (device, inode) = self.segment.identity();
        let layout = shared::Layout::new("", inode as usize, self.range.start as usize);
        layout.field("", self.generation as usize, shared::Layout::new("", device as usize, 0)).hash()
    }

    /// The handle of any object of which only the head is of interest, and not [`PRIVATE`].
    pub(crate) fn deserialize_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let extent = |wire: &Wire| Ok(Extent { len: wire.len.max(GRAIN), align: GRAIN, contents: 0 });
        let object = Self::received(deserializer, extent)?;
        if object.head().layout.load(Relaxed) & PRIVATE != 0 {
            return Err(serde::de::Error::custom(MemoryError::Unfit { reason: OTHER }));
        }
        Ok(object)
    }

    fn received<'de, D: Deserializer<'de>>(
        deserializer: D,
        extent: impl FnOnce(&Wire) -> Result<Extent, MemoryError>,
    ) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        let attach = |fd: BorrowedFd<'_>| {
            let extent = extent(&wire)?;
            Self::attach(Segment::of(fd)?, &wire, &extent)
        };
        transfer::with_taken(wire.segment, attach)?.map_err(serde::de::Error::custom)
    }

    fn attach(segment: Arc<Segment>, wire: &Wire, extent: &Extent) -> Result<Self, MemoryError> {
        let unfit = |reason| MemoryError::Unfit { reason };
        let end = wire.offset.checked_add(extent.len).ok_or(unfit(OUTSIDE))?;
        let range = wire.offset..end;
        let address = segment.check(&range, extent.align).ok_or(unfit(OUTSIDE))?;
        // SAFETY: it is within the segment and aligned; of an object that is in use, these fields are made for sharing,
        // and what came with the message keeps it in use.
        let head = unsafe { address.cast::<Head>().as_ref() };
        if head.generation.load(Relaxed) != wire.generation {
            return Err(unfit("a handle is stale: its object has ended"));
        }
        segment.hold(range.clone()).map_err(MemoryError::Io)?;
        Self::at(segment, range, (wire.generation, wire.count), extent)
    }
}

const OTHER: &str = "a handle is of an object of another type, length or layout";
const OUTSIDE: &str = "a handle points outside of its segment";

/// Ends large objects of this process that others had, and that nobody uses any more. To be called when this process has closed
/// its copies of what it sent, because others may have given them up before. It is nothing where there are none.
pub(crate) fn sent() {
    arena::look_after(end);
}

/// The same when a child has ended; and lets go of what processes left that have ended.
pub(crate) fn child_ended() {
    forget_unused(None);
    arena::look_after(end);
}

/// Notes that an object has ended.
fn end(head: NonNull<u8>) {
    // SAFETY: called for places of objects in mapped segments; the field is made for sharing.
    unsafe { head.cast::<Head>().as_ref() }.generation.store(0, Relaxed);
}

impl Drop for Object {
    fn drop(&mut self) {
        // in a process that was forked, handles are copies that nobody counted
        if !self.segment.is_ours() {
            return;
        }
        // A guard was forgotten: glibc has the mutex in a list of what the thread holds, so it has to stay where it
        // is, and the object with it, until this process ends.
        let locked = self.head().owner.load(Relaxed) == this_process::pid();
        match self.segment.let_go(self.range.clone(), locked, end) {
            Left::Pinned => std::mem::forget(Arc::clone(&self.segment)),
            Left::Objects => {}
            Left::Nothing if self.segment.is_owned() => arena::give_back(&self.segment),
            Left::Nothing => self.segment.keep_unused(),
        }
    }
}
