//! Where this process places its objects.

use std::io;
use std::sync::{Arc, Mutex};

use super::error::MemoryError;
use super::segment::{End, START, Segment, lock};
use super::space::{Place, has_lent_large};

/// The length of a segment for many objects, of which only what is used takes memory. Where there are not so many
/// addresses (`ulimit -v`), one of the others.
const ARENA: u64 = 64 << 20;
const SMALLER: [u64; 3] = [16 << 20, 4 << 20, 1 << 20];

/// Objects of this size have a segment each.
const ALONE: u64 = ARENA / 4;

static ARENAS: Mutex<Vec<Arc<Segment>>> = Mutex::new(Vec::new());

/// Makes a place for an object.
pub(super) fn place(len: u64, align: u64, end: End) -> Result<(Arc<Segment>, Place), MemoryError> {
    let failed = |error| MemoryError::of(error, len as usize);
    let mut arenas = lock(&ARENAS);
    // those of the process that this one was forked from are not dropped, because its handles may be in use here
    arenas.extract_if(.., |arena| !arena.is_ours()).for_each(std::mem::forget);
    if len < ALONE {
        // the last one is the one with the most space
        for arena in arenas.iter().rev().filter(|arena| arena.is_for_many()) {
            if let Some(place) = arena.place(len, align, end).map_err(failed)? {
                return Ok((Arc::clone(arena), place));
            }
        }
    }
    // nothing else is placed in a segment for one object, so this is where it is seen that others have given it up
    arenas.retain(|arena| arena.is_for_many() || !arena.take_back_large(end));
    let arena = if len < ALONE { for_many(len) } else { Segment::create(START.max(align) + len, false) };
    let arena = arena.map_err(failed)?;
    let place = arena.place(len, align, end).map_err(failed)?.ok_or(MemoryError::TooLarge { size: len as usize })?;
    arenas.push(Arc::clone(&arena));
    Ok((arena, place))
}

/// Ends large objects of this process that nobody uses any more, after something that may have been the reason.
pub(super) fn look_after(end: End) {
    if has_lent_large() {
        lock(&ARENAS).retain(|arena| !arena.is_ours() || !arena.take_back_large(end) || arena.is_for_many());
    }
}

fn for_many(len: u64) -> io::Result<Arc<Segment>> {
    let smaller = SMALLER.into_iter().filter(|size| len < size / 4);
    smaller.fold(Segment::create(ARENA, true), |segment, size| match segment {
        Err(error) if matches!(error.kind(), io::ErrorKind::OutOfMemory | io::ErrorKind::FileTooLarge) => {
            Segment::create(size, true)
        }
        other => other,
    })
}

/// Gives a segment back that has become empty, unless it is the last one for many objects.
pub(super) fn give_back(segment: &Arc<Segment>) {
    let mut arenas = lock(&ARENAS);
    if segment.is_for_many() && arenas.iter().filter(|arena| arena.is_for_many()).count() == 1 {
        return;
    }
    // objects are placed under this lock only, so it stays empty
    if segment.is_empty() {
        arenas.retain(|arena| !Arc::ptr_eq(arena, segment));
    }
}
