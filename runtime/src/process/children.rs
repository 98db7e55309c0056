//! The children of this process that have not been reaped, whether anybody holds a handle or not.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Process;
use super::child::{Child, Parts};

/// How long a daemonic process has, after SIGTERM, before it is killed.
const GRACE: Duration = Duration::from_secs(2);

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

/// Called once, by whoever reaped it.
pub(super) fn forget(id: u64) {
    table().remove(&id);
}

fn all() -> Vec<Arc<Child>> {
    table().values().map(Arc::clone).collect()
}

/// Those that nobody holds a handle to.
pub(super) fn unheld() -> Vec<Arc<Child>> {
    table().values().filter(|child| !child.has_handle()).map(Arc::clone).collect()
}

/// Reaps those of them that have ended; true if there were any.
pub(super) fn reap_unheld() -> bool {
    // one that cannot be waited for now is waited for again
    unheld().iter().filter(|child| matches!(child.try_wait(), Ok(Some(_)))).count() > 0
}

/// The processes started by this one that are still running, in the order of their start.
///
/// Those that have ended are reaped. Does not block.
pub fn active_children() -> Vec<Process> {
    all().iter().filter(|child| matches!(child.try_wait(), Ok(None))).map(Process::of).collect()
}

/// Dropping it ends and awaits all children: at the end of `main`, and of a child's task.
///
/// Daemonic ones get SIGTERM, and SIGKILL two seconds later; the others are waited for as long as it takes.
#[must_use]
#[doc(hidden)]
pub struct Children;

impl Drop for Children {
    fn drop(&mut self) {
        // other threads, and the destructors of this one, may start more while these are waited for
        loop {
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
            forget(child.id());
        }
    }
}
