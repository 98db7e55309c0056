//! Segments: pieces of memory that processes share, each with the objects of one process in it.
//!
//! The process that makes a segment is its owner, and the only one that places objects there; so the records of what is
//! free are its own, and nobody who is killed can leave them half-way. What has to be known between processes is which
//! objects are still in use, and that the kernel keeps (`sys::claims`), for processes that were killed, and for handles
//! in messages that nobody received, too:
//!
//! 1. A process that has handles of an object has claimed the object's bytes, by an open file of its own. (The owner
//!    does so when it first sends one away.)
//! 2. A message that carries handles carries an open file of the segment, made for that message, which has claimed
//!    their objects. The receiver claims them for itself before it lets go of that file.
//! 3. Whoever gives up the last handle of its process tries to have the object's bytes alone. Where that succeeds,
//!    nobody has a handle, and so nobody can get one: the object ends, its memory is given back, and the owner may
//!    place another one there. Where it fails, the claim is given up, and another process will be the last.
//! 4. Where the last one was killed, or an open file of rule 2 outlived it, nobody comes to rule 3. So the owner tries it
//!    for those objects that it has given up and lent, before their number or memory doubles; and for large ones when it
//!    has closed its copy of such a file, and when a child of its has ended.
//!
//! Rule 1 and 2 make sure that a claim is only ever added by one who has, or holds in hand, another one.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::{io, ops::Range};

use super::error::MemoryError;
use super::space::{PIECE, Place, Space};
use crate::sys::map::{Map, PAGE};
use crate::sys::memory_file::Identity;
use crate::sys::{claims, memory_file, this_process};

const MAGIC: u64 = u64::from_ne_bytes(*b"carom\0\0\x01");

/// What stands at the beginning of a segment: the magic number, its length, the pid namespace of those who share it,
/// because locks tell their holders by numbers that have a meaning in one namespace only, and whether it is for many objects.
type Header = [u64; 4];

/// Objects begin here. The bytes before, the owner has claimed as long as it lives.
pub(super) const START: u64 = PAGE as u64;

/// How many segments of others this process keeps mapped though it has no handle of an object in them.
const KEPT: usize = 8;

/// All segments that this process has mapped.
static SEGMENTS: LazyLock<Mutex<HashMap<Identity, Weak<Segment>>>> = LazyLock::new(Mutex::default);

/// Segments of others that no handle refers to, the one used last at the end.
static UNUSED: Mutex<Vec<Arc<Segment>>> = Mutex::new(Vec::new());

pub(crate) struct Segment {
    map: Map,
    /// An open file of this process alone, for its claims.
    file: OwnedFd,
    len: u64,
    identity: Identity,
    /// Whether it is for many objects, and not for one.
    for_many: bool,
    /// Which process mapped it: one that was forked from it has no claims of its own.
    process: u32,
    book: Mutex<Book>,
}

/// What a process knows of a segment.
struct Book {
    /// The objects that it has handles of, by their offsets.
    held: HashMap<u64, Held>,
    /// What is free, if it is the owner.
    space: Option<Space>,
}

struct Held {
    handles: usize,
    claimed: bool,
}

impl Book {
    fn is_empty(&self) -> bool {
        self.held.is_empty() && self.space.as_ref().is_none_or(Space::is_empty)
    }
}

/// What is in a segment after a handle has been given up.
pub(super) enum Left {
    Objects,
    Nothing,
    /// An object that can never be given up.
    Pinned,
}

/// How an object's end is noted in its memory.
pub(super) type End = fn(NonNull<u8>);

impl Segment {
    /// A segment of this process's own, with `len` bytes in all.
    pub(super) fn create(len: u64, for_many: bool) -> io::Result<Arc<Self>> {
        let file = memory_file::zeros(c"carom", len, false)?;
        let header: Header = [MAGIC, len, this_process::namespaces()?, for_many.into()];
        nix::sys::uio::pwrite(&file, zerocopy::IntoBytes::as_bytes(&header), 0)?;
        claims::claim(&file, 0..START)?;
        let map = Map::new(&file, len as usize, len as usize, true)?;
        let space = Space::new(START, len);
        let identity = memory_file::identity(&file)?;
        let segment = Arc::new(Self::new(map, file, (len, for_many), identity, Some(space)));
        lock(&SEGMENTS).insert(identity, Arc::downgrade(&segment));
        Ok(segment)
    }

    /// The segment of a descriptor that came in a message.
    pub(super) fn of(fd: BorrowedFd<'_>) -> Result<Arc<Self>, MemoryError> {
        let identity = memory_file::identity(&fd).map_err(MemoryError::Io)?;
        // held until it is entered, so that two threads do not map it twice
        let mut segments = lock(&SEGMENTS);
        match segments.get(&identity).and_then(Weak::upgrade) {
            Some(segment) if segment.is_ours() => return Ok(segment),
            // the process's that this one was forked from; not dropped here, which would wait for this very lock
            other => std::mem::forget(other),
        }
        let unfit = |reason| MemoryError::Unfit { reason };
        let len = memory_file::sealed_len(&fd).map_err(|_| unfit("it is not memory that nobody can make shorter"))?;
        let mut header: Header = [0; 4];
        let read = nix::sys::uio::pread(fd, zerocopy::IntoBytes::as_mut_bytes(&mut header), 0);
        let namespace = this_process::namespaces().map_err(MemoryError::Io)?;
        let for_many = match header {
            _ if read != Ok(size_of::<Header>()) => return Err(unfit("it has no header")),
            [MAGIC, told, of, for_many] if told == len && of == namespace => for_many != 0,
            [MAGIC, told, ..] if told == len => return Err(unfit("it comes from another pid or time namespace")),
            _ => return Err(unfit("it is no segment of this version of carom")),
        };
        let file = memory_file::reopen(&fd, true).map_err(MemoryError::Io)?;
        let map = Map::new(&file, len as usize, len as usize, true).map_err(|e| MemoryError::of(e, len as usize))?;
        let segment = Arc::new(Self::new(map, file, (len, for_many), identity, None));
        segments.insert(identity, Arc::downgrade(&segment));
        Ok(segment)
    }

    fn new(map: Map, file: OwnedFd, (len, for_many): (u64, bool), identity: Identity, space: Option<Space>) -> Self {
        let book = Mutex::new(Book { held: HashMap::new(), space });
        Self { map, file, len, for_many, identity, process: this_process::pid(), book }
    }

    /// Whether it was this process that mapped it, and not one that this was forked from.
    pub(super) fn is_ours(&self) -> bool {
        self.process == this_process::pid()
    }

    /// Whether this process places objects there.
    pub(super) fn is_owned(&self) -> bool {
        lock(&self.book).space.is_some()
    }

    pub(super) fn is_for_many(&self) -> bool {
        self.for_many
    }

    pub(super) fn identity(&self) -> Identity {
        self.identity
    }

    /// The address of what lies at `range`, if objects can lie there.
    pub(super) fn check(&self, range: &Range<u64>, align: u64) -> Option<NonNull<u8>> {
        let fits = range.start >= START && range.start.is_multiple_of(align) && range.end <= self.len;
        self.address(range.start).filter(|_| fits)
    }

    /// The address of a byte.
    fn address(&self, offset: u64) -> Option<NonNull<u8>> {
        let start = self.map.start();
        // as a wrapping sum, because what comes of it is within the mapping
        (offset < self.len).then(|| NonNull::new(start.as_ptr().wrapping_add(offset as usize))).flatten()
    }

    /// Makes a place for an object, held by one handle.
    pub(super) fn place(&self, len: u64, align: u64, end: End) -> io::Result<Option<Place>> {
        let mut book = lock(&self.book);
        let Some(space) = &mut book.space else { return Ok(None) };
        space.take_back(&self.file, |range| self.end(range, end));
        let Some(place) = space.place(&self.file, len, align)? else { return Ok(None) };
        book.held.insert(place.offset, Held { handles: 1, claimed: false });
        Ok(Some(place))
    }

    /// Takes note of a handle, and claims the object for this process (rule 1).
    pub(super) fn hold(&self, range: Range<u64>) -> io::Result<()> {
        let mut book = lock(&self.book);
        // the owner knows what there is
        let is_known = |space: &Space| space.has_lent(&range) || book.held.contains_key(&range.start);
        if book.space.as_ref().is_some_and(|space| !is_known(space)) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "it is no object of this process, which should have made it",
            ));
        }
        let held = book.held.get_mut(&range.start);
        if !held.as_ref().is_some_and(|held| held.claimed) {
            claims::claim(&self.file, range.clone())?;
        }
        match held {
            Some(held) => *held = Held { handles: held.handles + 1, claimed: true },
            None => drop(book.held.insert(range.start, Held { handles: 1, claimed: true })),
        }
        // one of its own that comes back to the owner is no longer to be looked after (rule 4)
        if let Some(space) = &mut book.space {
            space.receive(range.start);
        }
        Ok(())
    }

    /// Claims an object, of which there is a handle, for this process and for the message that `file` goes with
    /// (rules 1 and 2).
    pub(super) fn lend(&self, range: Range<u64>, file: BorrowedFd<'_>) -> io::Result<()> {
        if !self.is_ours() {
            // the process that it was forked from may not have claimed the object, and would not know that this did
            return Err(io::Error::other(
                "it was made before this process was forked, and only its parent can send it",
            ));
        }
        if let Some(held) = lock(&self.book).held.get_mut(&range.start)
            && !held.claimed
        {
            claims::claim(&self.file, range.clone())?;
            held.claimed = true;
        }
        claims::claim(&file, range)
    }

    /// An open file for a message.
    pub(super) fn open(&self) -> io::Result<OwnedFd> {
        memory_file::reopen(&self.file, true)
    }

    /// Gives up a handle (rule 3). The object stays if it is the last one, and the object is locked.
    pub(super) fn let_go(&self, range: Range<u64>, locked: bool, end: End) -> Left {
        let mut book = lock(&self.book);
        let Some(held) = book.held.get_mut(&range.start) else { return Left::Objects };
        if held.handles > 1 {
            held.handles -= 1;
            return Left::Objects;
        }
        if locked {
            return Left::Pinned;
        }
        let claimed = held.claimed;
        book.held.remove(&range.start);
        let nobody_else = !claimed || claims::claim_alone(&self.file, range.clone()).unwrap_or(false);
        if nobody_else {
            self.end(&range, end);
            match &mut book.space {
                Some(space) => space.give_back(&self.file, &range),
                None if range.end - range.start >= PIECE => drop(memory_file::punch(&self.file, range.clone())),
                None => {}
            }
        } else if let Some(space) = &mut book.space {
            space.lend(range.clone());
        }
        if claimed {
            claims::release(&self.file, range);
        }
        if book.is_empty() { Left::Nothing } else { Left::Objects }
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        lock(&self.book).is_empty()
    }

    fn end(&self, range: &Range<u64>, end: End) {
        if let Some(start) = self.address(range.start) {
            end(start);
        }
    }

    /// Ends large lent objects that nobody uses any more (rule 4); whether nothing is in the segment any more.
    pub(super) fn take_back_large(&self, end: End) -> bool {
        let mut book = lock(&self.book);
        if let Some(space) = &mut book.space {
            space.take_back_large(&self.file, |range| self.end(range, end));
        }
        book.is_empty()
    }

    /// Keeps a segment of another process for a while, because to map it again takes some time.
    pub(super) fn keep_unused(self: &Arc<Self>) {
        forget_unused(self.for_many.then_some(self));
    }

    fn owner_lives(&self) -> bool {
        claims::is_claimed_by_others(&self.file, 0..START).unwrap_or(false)
    }
}

/// Lets go of unused segments whose owners have ended, and keeps another one.
pub(super) fn forget_unused(another: Option<&Arc<Segment>>) {
    let mut unused = lock(&UNUSED);
    let others = unused.extract_if(.., |segment| another.is_some_and(|another| Arc::ptr_eq(segment, another)));
    let mut forgotten: Vec<_> = others.collect();
    unused.extend(another.cloned());
    forgotten.extend(unused.extract_if(.., |segment| !segment.owner_lives()));
    if unused.len() > KEPT {
        forgotten.push(unused.remove(0));
    }
    drop(unused);
    // what they do at their end is not done under the lock
    drop(forgotten);
}

impl Drop for Segment {
    fn drop(&mut self) {
        let mut segments = lock(&SEGMENTS);
        // it may have been mapped anew meanwhile
        if segments.get(&self.identity).is_some_and(|segment| segment.strong_count() == 0) {
            segments.remove(&self.identity);
        }
    }
}

impl AsFd for Segment {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Locks what no panic can leave half-way.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
