//! One started process, as all its handles share it, and the table of those that have not been reaped.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::ExitStatus;
use crate::bootstrap::Reply;
use crate::memory;
use crate::sys::channel::Channel;
use crate::sys::lifeline::Hold;
use crate::sys::pidfd;
use crate::sys::wait;

/// A child, from its start until its last handle is gone and it has been reaped.
pub(super) struct Child {
    /// The key in the table of children.
    id: u64,
    pid: u32,
    name: String,
    daemon: bool,
    hidden: bool,
    pidfd: OwnedFd,
    state: Mutex<State>,
    /// Whether a signal was sent by a handle.
    signalled: AtomicBool,
    /// How many [`Process`](super::Process)es there are; at none, the reaper sees to it.
    handles: AtomicUsize,
}

/// How often a process that has ended is asked for its status while a debugger holds it back.
const UNDER_DEBUGGER: Duration = Duration::from_millis(5);

enum State {
    /// Not reaped; the pid is its own. The lifeline ends the child when it is closed.
    Running {
        channel: Channel,
        _lifeline: Hold,
    },
    Ended(Ended),
}

/// How a child ended.
#[derive(Clone)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    /// Set if its task never ran, with what the child said.
    pub(super) not_started: Option<Option<String>>,
    /// How many bytes of memory it took at most, or its parent when that started it.
    pub(super) peak: u64,
}

/// What a [`Child`] is made of.
pub(super) struct Parts {
    pub(super) pid: libc::pid_t,
    pub(super) name: String,
    pub(super) daemon: bool,
    pub(super) hidden: bool,
    pub(super) pidfd: OwnedFd,
    pub(super) channel: Channel,
    pub(super) lifeline: Hold,
}

impl Child {
    fn new(id: u64, parts: Parts) -> Self {
        let Parts { pid, name, daemon, hidden, pidfd, channel, lifeline } = parts;
        let state = Mutex::new(State::Running { channel, _lifeline: lifeline });
        let (signalled, handles) = (AtomicBool::new(false), AtomicUsize::new(0));
        Self { id, pid: pid.unsigned_abs(), name, daemon, hidden, pidfd, state, signalled, handles }
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn daemon(&self) -> bool {
        self.daemon
    }

    /// Whether it is carom's own affair.
    pub(super) fn hidden(&self) -> bool {
        self.hidden
    }

    pub(super) fn sentinel(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    pub(super) fn handle_made(&self) {
        self.handles.fetch_add(1, Ordering::Relaxed);
    }

    /// True if that was the last one.
    pub(super) fn handle_dropped(&self) -> bool {
        self.handles.fetch_sub(1, Ordering::AcqRel) == 1
    }

    pub(super) fn has_handle(&self) -> bool {
        self.handles.load(Ordering::Acquire) > 0
    }

    /// A pidfd means this child and no other, also after it was reaped.
    pub(super) fn signal(&self, number: i32) -> io::Result<()> {
        self.signalled.store(true, Ordering::Release);
        pidfd::signal(&self.pidfd, number)
    }

    /// Waits until it has ended and takes its status; none at the deadline.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> io::Result<Option<Ended>> {
        loop {
            if let Some(ended) = self.ended() {
                return Ok(Some(ended));
            }
            if !wait::readable(&self.pidfd, deadline)? {
                return Ok(None);
            }
            if let Some(ended) = self.try_wait()? {
                return Ok(Some(ended));
            }
            // it has ended, but a debugger has not let go of it yet
            std::thread::sleep(UNDER_DEBUGGER);
        }
    }

    /// Takes its status if it has ended.
    pub(super) fn try_wait(&self) -> io::Result<Option<Ended>> {
        let mut state = self.lock();
        let channel = match &*state {
            State::Ended(ended) => return Ok(Some(ended.clone())),
            State::Running { channel, .. } => channel,
        };
        let Some((exit, peak)) = pidfd::reap(&self.pidfd)? else { return Ok(None) };
        // what it said is in the socket by now; one that was sent a signal need not have said anything
        let not_started = match Reply::received(channel) {
            Some(Reply::Ready) => None,
            Some(Reply::Refused(reason)) => Some(Some(reason)),
            None if self.signalled.load(Ordering::Acquire) => None,
            None => Some(None),
        };
        let ended = Ended { status: ExitStatus(exit), not_started, peak };
        *state = State::Ended(ended.clone());
        drop(state);
        table().remove(&self.id);
        // what it had of this process's is not in use any more
        memory::child_ended();
        Ok(Some(ended))
    }

    /// Treats it as no child of ours any more, because it cannot be waited for.
    pub(super) fn give_up(&self) {
        table().remove(&self.id);
    }

    fn ended(&self) -> Option<Ended> {
        match &*self.lock() {
            State::Ended(ended) => Some(ended.clone()),
            State::Running { .. } => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // nothing that runs under the lock leaves the state half-changed
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

static TABLE: Mutex<BTreeMap<u64, Arc<Child>>> = Mutex::new(BTreeMap::new());

fn table() -> MutexGuard<'static, BTreeMap<u64, Arc<Child>>> {
    // no call into anything that can panic is made under the lock
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Enters a child that has just been started.
pub(super) fn enter(parts: Parts) -> Arc<Child> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    let child = Arc::new(Child::new(id, parts));
    table().insert(id, Arc::clone(&child));
    child
}

/// Those that have not been reaped, in the order of their start.
pub(super) fn all() -> Vec<Arc<Child>> {
    table().values().map(Arc::clone).collect()
}

/// Those that nobody holds a handle to.
pub(super) fn unheld() -> Vec<Arc<Child>> {
    table().values().filter(|child| !child.has_handle()).map(Arc::clone).collect()
}
