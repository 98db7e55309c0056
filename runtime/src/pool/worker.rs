//! A worker, from inside: a process that answers one request after another, by the rules of [`region`](super::region).

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;

use super::batch::{Batch, Manner, refuse};
use super::desk::{Desk, overwritten};
use super::panics;
use super::quota::{Most, Quota};
use super::region::{Entry, Files, Region, flags, state};
use super::reply::{Answer, Request};
use crate::codec::Reader;
use crate::connection::{Connection, Fd, RecvError};
use crate::registry;
use crate::sys::{clock, signals};

/// What a worker is given.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct Tools {
    pub(super) socket: Connection,
    pub(super) files: Files,
    pub(super) bells: [Fd<File>; 2],
    pub(super) most: Most,
    /// How many workers there are.
    pub(super) workers: usize,
}

/// The task that a worker is.
///
/// It first sends an empty message, to say that it is ready.
#[carom::task]
pub(super) fn serve(tools: Tools) {
    signals::leave_the_terminals_group();
    panics::watch();
    let Tools { socket, files, bells, most, workers } = tools;
    // without memory, or a way to tell how much it takes, it ends before it is ready
    let (Ok(region), Ok(mut quota)) = (Region::open(&files), Quota::new(most)) else { return };
    drop(files);
    let mut desk = Desk::new(region, socket, bells, workers);
    if desk.send(&[], &[]).is_err() {
        return;
    }
    let mut memory = Vec::new();
    while !quota.is_used_up() && desk.wait_for_request() {
        memory = answer(&mut desk, &mut quota, memory);
    }
}

/// Memory for replies that has grown beyond this is not kept.
const KEPT: usize = 4 << 20;

/// Deals with the next request; gives the memory back that it was given for the reply.
fn answer(desk: &mut Desk, quota: &mut Quota, memory: Vec<u8>) -> Vec<u8> {
    let number = desk.done;
    let entry = desk.region.request(number);
    let fds = match entry.fds.load(Relaxed) {
        0 => Ok(Vec::new()),
        _ => desk.socket.receive_message(|_, fds| fds),
    };
    let (queued, running) = (state::of(number, state::QUEUED), state::of(number, state::RUNNING));
    let begun = entry.state.compare_exchange(queued, running, SeqCst, SeqCst);
    desk.done += 1;
    if let Err(found) = begun {
        if found != state::of(number, state::REVOKED) {
            overwritten();
        }
        desk.pass();
        return memory;
    }
    if fds.as_ref().is_ok_and(|fds| !fds.is_empty()) {
        // the pool may let go of its copies
        desk.ring();
    }
    let mut memory = run(desk, quota, number, fds, memory);
    if memory.capacity() > KEPT {
        return Vec::new();
    }
    memory.clear();
    memory
}

/// Runs the calls of a request, and answers it.
fn run(
    desk: &mut Desk,
    quota: &mut Quota,
    number: u64,
    fds: Result<Vec<OwnedFd>, RecvError>,
    memory: Vec<u8>,
) -> Vec<u8> {
    let region = Arc::clone(&desk.region);
    let entry = region.request(number);
    let (count, skip) = (entry.count.load(Relaxed), entry.skip.load(Relaxed));
    let request = Request { number, count, guarded: entry.flags.load(Relaxed) & flags::GUARDED != 0 };
    let id = entry.task.load(Relaxed);
    let task = desk.last_task.filter(|last| last.id == id).or_else(|| registry::find_quickly(id));
    desk.last_task = task;
    if entry.flags.load(Relaxed) & flags::APART != 0 {
        // to read it takes a while, in which this worker can be lost, and then its time is not that of an earlier call
        region.control().call.0.begun.store(clock::coarse_nanoseconds(), Relaxed);
    }
    let mut apart = Vec::new();
    let input = input(&region, entry, fds, &mut apart);
    let mut answer = Answer::new(desk, quota, request, skip, memory);
    answer = match (task, input) {
        (Some(task), Ok((bytes, fds))) => {
            let soft = Some(entry.soft.load(Relaxed)).filter(|soft| *soft > 0).map(Duration::from_nanos);
            let manner = Manner { task, soft, attempt: entry.attempt.load(Relaxed) };
            let bulk = entry.flags.load(Relaxed) & flags::BULK != 0;
            let mut batch = Batch::new(Reader::carrying(bytes, fds), bulk, count, answer, manner);
            (task.run)(&mut batch);
            batch.into_answer()
        }
        (task, input) => {
            let reason = if task.is_none() { NO_TASK } else { input.err().unwrap_or_default() };
            refuse(&mut answer, count, reason);
            answer
        }
    };
    // a worker may be killed when it has answered; a closed or full output is the task's own affair
    let _ = std::io::stdout().flush();
    answer.finish()
}

const NO_TASK: &str =
    "no task of that name is in the worker; if a crate that nothing names defines it, write `use that_crate as _;`";

/// The bytes of a request, and its descriptors; otherwise, why they are not there.
fn input<'r>(
    region: &'r Region,
    entry: &Entry,
    fds: Result<Vec<OwnedFd>, RecvError>,
    apart: &'r mut Vec<u8>,
) -> Result<(&'r [u8], Vec<OwnedFd>), &'static str> {
    let mut fds = fds.map_err(|_| "its request came with descriptors that it may not open")?;
    if entry.flags.load(Relaxed) & flags::APART == 0 {
        let bytes = region.read_request(entry.offset.load(Relaxed) as usize, entry.len.load(Relaxed) as usize);
        return Ok((bytes.ok_or("its request is not one")?, fds));
    }
    let read = (!fds.is_empty()).then(|| {
        let mut file = File::from(fds.remove(0));
        // a worker that was lost may have read it before
        file.rewind().and_then(|()| file.read_to_end(apart))
    });
    match read {
        Some(Ok(_)) => Ok((apart, fds)),
        _ => Err("its request could not be read"),
    }
}
