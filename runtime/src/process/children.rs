//! What is done to all children of this process at once: listing them, reaping them, ending them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Process;
use super::child::{Child, all, unheld};

/// How long a daemonic process has, after SIGTERM, before it is killed.
const GRACE: Duration = Duration::from_secs(2);

/// Reaps those of them that have ended; true if there were any.
pub(super) fn reap_unheld() -> bool {
    // one that cannot be waited for now is waited for again
    unheld().iter().filter(|child| matches!(child.try_wait(), Ok(Some(_)))).count() > 0
}

/// The processes started by this one that are still running, in the order of their start.
///
/// Those that have ended are reaped. Does not block.
pub fn active_children() -> Vec<Process> {
    let running = |child: &&Arc<Child>| matches!(child.try_wait(), Ok(None)) && !child.hidden();
    all().iter().filter(running).map(Process::of).collect()
}

/// Dropping it ends and awaits all children: at the end of `main`, and of a child's task.
///
/// Daemonic ones get SIGTERM, and SIGKILL two seconds later; the others are waited for as long as it takes.
#[must_use]
#[doc(hidden)]
pub struct Children;

/// Whether all children are being ended, so that none should be started in the place of another.
pub(crate) fn is_ending() -> bool {
    ENDING.load(Ordering::Relaxed)
}

/// Has something done when the children are to be ended, before they are.
pub(crate) fn before_children_end(call: fn()) {
    BEFORE_END.lock().unwrap_or_else(PoisonError::into_inner).push(call);
}

static BEFORE_END: Mutex<Vec<fn()>> = Mutex::new(Vec::new());

static ENDING: AtomicBool = AtomicBool::new(false);

impl Drop for Children {
    fn drop(&mut self) {
        ENDING.store(true, Ordering::Relaxed);
        // other threads, and the destructors of this one, may start more while these are waited for
        loop {
            let calls = std::mem::take(&mut *BEFORE_END.lock().unwrap_or_else(PoisonError::into_inner));
            calls.into_iter().for_each(|call| call());
            let children = all();
            if children.is_empty() {
                return;
            }
            end(&children);
        }
    }
}

fn end(children: &[Arc<Child>]) {
    let (daemons, others): (Vec<_>, Vec<_>) = children.iter().partition(|child| child.daemon());
    // what cannot be signalled or waited for ends with this process, as all children do
    for child in &daemons {
        let _ = child.signal(libc::SIGTERM);
    }
    let deadline = Instant::now() + GRACE;
    for child in &daemons {
        if !matches!(child.wait(Some(deadline)), Ok(Some(_))) {
            let _ = child.signal(libc::SIGKILL);
        }
    }
    for child in daemons.iter().chain(&others) {
        if child.wait(None).is_err() {
            child.give_up();
        }
    }
}
