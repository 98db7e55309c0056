//! What the owner of a segment knows of it: what is free, and which objects others may have.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::extents::{Extents, Given, Taken};
use crate::sys::map::PAGE;
use crate::sys::{claims, memory_file};

/// Free memory is given back to the system in such pieces, and objects of such a size are whole pages.
pub(super) const PIECE: u64 = 64 << 10;

/// How many lent objects the owner does not look after, and how many bytes in them.
const LENT: usize = 64;
const LENT_BYTES: u64 = 1 << 20;

/// How many lent objects of this process have at least so many bytes.
static LARGE: AtomicUsize = AtomicUsize::new(0);

/// Whether there are any.
pub(super) fn has_lent_large() -> bool {
    LARGE.load(Relaxed) > 0
}

/// The owner's record of a segment.
pub(super) struct Space {
    free: Extents,
    /// Objects that it has no handle of any more, and that others had: where they begin and end.
    lent: BTreeMap<u64, u64>,
    lent_bytes: u64,
    /// How many may be lent, and how many bytes in them, before it looks which are still in use.
    patience: (usize, u64),
    /// The number of the last object.
    generation: u32,
}

/// A place for an object.
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) generation: u32,
    /// All of it is zero.
    pub(super) zero: bool,
}

impl Space {
    pub(super) fn new(start: u64, end: u64) -> Self {
        let (free, patience) = (Extents::new(start, end), (LENT, LENT_BYTES));
        Self { free, lent: BTreeMap::new(), lent_bytes: 0, patience, generation: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.free.used() == 0
    }

    /// Makes a place for an object, if there is one.
    pub(super) fn place(&mut self, file: &OwnedFd, len: u64, align: u64) -> io::Result<Option<Place>> {
        let Some(Taken { start: offset, fresh }) = self.free.take(len, align) else { return Ok(None) };
        // large places are whole pages
        let large = len >= PIECE;
        if !fresh
            && large
            && let Err(error) = memory_file::punch(file, offset..offset + len)
        {
            self.free.give(offset, len);
            return Err(error);
        }
        // 0 is that of no object
        self.generation = self.generation.checked_add(1).unwrap_or(1);
        Ok(Some(Place { offset, generation: self.generation, zero: fresh || large }))
    }

    /// Takes an object's place back.
    pub(super) fn give_back(&mut self, file: &OwnedFd, range: &Range<u64>) {
        let Given { start, end, longest } = self.free.give(range.start, range.end - range.start);
        // not for each object, but when another piece is free in one
        if end.saturating_sub(start) / PIECE > longest / PIECE {
            let page = PAGE as u64;
            // what is not given back is used again all the same
            let _ = memory_file::punch(file, start.next_multiple_of(page)..end / page * page);
        }
    }

    /// Notes that others may have an object that the owner has given up.
    pub(super) fn lend(&mut self, range: Range<u64>) {
        let len = range.end - range.start;
        self.lent_bytes += len;
        if len >= LENT_BYTES {
            LARGE.fetch_add(1, Relaxed);
        }
        self.lent.insert(range.start, range.end);
    }

    /// Notes that the owner has one of those again, or that it has ended.
    pub(super) fn receive(&mut self, start: u64) {
        if let Some(end) = self.lent.remove(&start) {
            self.lent_bytes -= end - start;
            if end - start >= LENT_BYTES {
                LARGE.fetch_sub(1, Relaxed);
            }
        }
    }

    pub(super) fn has_lent(&self, range: &Range<u64>) -> bool {
        self.lent.get(&range.start) == Some(&range.end)
    }

    /// Ends those lent objects that nobody uses any more, by `end` each, unless it was done a short while ago.
    pub(super) fn take_back(&mut self, file: &OwnedFd, end: impl Fn(&Range<u64>)) {
        if self.lent.len() >= self.patience.0 || self.lent_bytes >= self.patience.1 {
            self.take_back_from(0, file, end);
            self.patience = (LENT.max(2 * self.lent.len()), LENT_BYTES.max(2 * self.lent_bytes));
        }
    }

    /// The same at once, for large ones.
    pub(super) fn take_back_large(&mut self, file: &OwnedFd, end: impl Fn(&Range<u64>)) {
        self.take_back_from(LENT_BYTES, file, end);
    }

    fn take_back_from(&mut self, least: u64, file: &OwnedFd, end: impl Fn(&Range<u64>)) {
        let lent: Vec<_> = self.lent.iter().map(|(from, to)| *from..*to).collect();
        for range in lent.into_iter().filter(|range| range.end - range.start >= least) {
            if claims::claim_alone(file, range.clone()).unwrap_or(false) {
                self.receive(range.start);
                end(&range);
                self.give_back(file, &range);
                claims::release(file, range);
            }
        }
    }
}
