//! What workers are given to do. Each call has a number, under which it counts itself in the journal.

use std::io::{PipeReader, Read};
use std::os::fd::RawFd;
use std::time::{Duration, Instant};

use carom::Fd;
use carom_step_kill::{PATIENCE, Stopwatch, begin};
use serde::{Deserialize, Serialize, Serializer};

use super::journal::Journal;

/// What a call returns, so that one is not taken for another.
pub(crate) fn answer(call: u32) -> u64 {
    u64::from(call).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1
}

#[carom::task]
pub(crate) fn note(journal: RawFd, call: u32) -> u64 {
    Journal::of_owner(journal).count(call);
    answer(call)
}

/// The same, after some microseconds, and notes when.
#[carom::task]
pub(crate) fn work(journal: RawFd, call: u32, micros: u64) -> u64 {
    let journal = Journal::of_owner(journal);
    journal.count(call);
    let start = Instant::now();
    while start.elapsed() < Duration::from_micros(micros) {
        std::hint::spin_loop();
    }
    journal.end(call);
    answer(call)
}

/// The same, and takes what is in a pipe, which can be done once.
#[carom::task]
pub(crate) fn take(journal: RawFd, call: u32, mut pipe: Fd<PipeReader>) -> u64 {
    Journal::of_owner(journal).count(call);
    let mut bytes = [0; 8];
    pipe.read_exact(&mut bytes).expect("what nobody else has taken");
    u64::from_ne_bytes(bytes)
}

/// More than lies in the memory of a worker.
pub(super) const MANY: usize = (2 << 20) + (64 << 10);

/// Of answers of these lengths, the second one has no room in a part of a reply with the first.
pub(super) const SECOND_HAS_NO_ROOM: [usize; 4] = [(64 << 10) - 300, 400, 30, 30];

/// A long answer.
#[derive(Serialize, Deserialize)]
pub(crate) struct Long {
    bytes: Vec<u8>,
    _mark: Option<Mark>,
}

/// Stands behind what is long, and calls [`begin`] when it is encoded: to step through the copying of all that takes long.
#[derive(Deserialize)]
struct Mark;

impl Serialize for Mark {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        begin();
        serializer.serialize_unit_struct("Mark")
    }
}

impl Long {
    /// The answer, if it is that of this call, which is so long.
    pub(super) fn answer(&self, call: u32, length: usize) -> u64 {
        let is_whole = self.bytes.len() == length && self.bytes.iter().all(|byte| *byte == call as u8);
        if is_whole { answer(call) } else { 0 }
    }
}

/// All bytes are the last one of the call's number.
#[carom::task]
pub(crate) fn note_at_length(journal: RawFd, call: u32, length: usize, begins: bool) -> Long {
    Journal::of_owner(journal).count(call);
    Long { bytes: vec![call as u8; length], _mark: begins.then_some(Mark) }
}

/// Waits until so many are in calls of this at the same time; which process it is, or 0 if they are not in time.
#[carom::task]
pub(crate) fn meet(journal: RawFd, call: u32, all: u32) -> u32 {
    let journal = Journal::of_owner(journal);
    journal.count(call);
    let mut time = Stopwatch::start();
    while journal.times(call) < all {
        if time.elapsed() > PATIENCE {
            return 0;
        }
        std::thread::yield_now();
    }
    std::process::id()
}
