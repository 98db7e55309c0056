//! What this process is, to itself: its name, its parent, its place in the family.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock};

use crate::AuthKey;
use crate::bootstrap::Header;

/// The main process's until [`become_process`]; never freed, so that references to it stay good.
static CURRENT: RwLock<Option<&'static Identity>> = RwLock::new(None);

struct Identity {
    name: String,
    /// As `1:2`; empty in the main process.
    lineage: String,
    daemon: bool,
    parent: Option<ParentProcess>,
    authkey: OnceLock<AuthKey>,
    /// How many children have been numbered.
    numbered: AtomicU32,
}

fn identity() -> &'static Identity {
    if let Some(identity) = *CURRENT.read().unwrap_or_else(PoisonError::into_inner) {
        return identity;
    }
    CURRENT.write().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| {
        leak(Identity {
            name: "MainProcess".to_owned(),
            lineage: String::new(),
            daemon: false,
            parent: None,
            authkey: OnceLock::new(),
            numbered: AtomicU32::new(0),
        })
    })
}

fn leak(identity: Identity) -> &'static Identity {
    Box::leak(Box::new(identity))
}

/// Called once in a child. Code before `main`, or above `init`, may have asked who it is, and been told
/// that it is the main process: from here on it is told better.
pub(crate) fn become_process(header: Header) {
    let Header { name, lineage, daemon, authkey, parent_pid, parent_name, .. } = header;
    let parent = ParentProcess { pid: parent_pid, name: parent_name };
    let identity = Identity {
        name,
        lineage,
        daemon,
        parent: Some(parent),
        authkey: OnceLock::from(AuthKey::new(authkey)),
        numbered: AtomicU32::new(0),
    };
    *CURRENT.write().unwrap_or_else(PoisonError::into_inner) = Some(leak(identity));
}

pub(super) fn is_child() -> bool {
    identity().parent.is_some()
}

/// The lineage of the next child of this process: `1:2` for the second of the first.
pub(super) fn next_lineage() -> String {
    let number = identity().numbered.fetch_add(1, Ordering::Relaxed) + 1;
    match &*identity().lineage {
        "" => number.to_string(),
        own => format!("{own}:{number}"),
    }
}

/// The key of this process, drawn when it is first asked for.
pub(super) fn authkey() -> io::Result<&'static AuthKey> {
    let place = &identity().authkey;
    match place.get() {
        Some(key) => Ok(key),
        None => AuthKey::random().map(|drawn| place.get_or_init(|| drawn)),
    }
}

/// This process.
#[derive(Clone, Copy)]
pub struct CurrentProcess(&'static Identity);

/// This process, as its parent named it.
pub fn current_process() -> CurrentProcess {
    CurrentProcess(identity())
}

impl CurrentProcess {
    /// `MainProcess`, or the name that the parent gave.
    pub fn name(&self) -> &'static str {
        &self.0.name
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        std::process::id()
    }

    /// Whether it is ended, and not waited for, when its parent ends. Its own children inherit this.
    pub fn daemon(&self) -> bool {
        self.0.daemon
    }

    /// The key that this process shares with its parent and its children.
    ///
    /// # Panics
    /// If the kernel gives no random bytes to the main process.
    pub fn authkey(&self) -> &'static AuthKey {
        authkey().expect("the kernel gives random bytes")
    }
}

impl std::fmt::Debug for CurrentProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, pid, daemon) = (self.name(), self.pid(), self.daemon());
        f.debug_struct("CurrentProcess").field("name", &name).field("pid", &pid).field("daemon", &daemon).finish()
    }
}

/// The process that started this one. It is alive: a child does not outlive its parent.
#[derive(Clone, Debug)]
pub struct ParentProcess {
    pid: u32,
    name: String,
}

impl ParentProcess {
    /// The process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its name, `MainProcess` for the main process.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The process that started this one; none in the main process.
pub fn parent_process() -> Option<&'static ParentProcess> {
    identity().parent.as_ref()
}

/// How many CPUs this process may use, at least 1.
pub fn cpu_count() -> usize {
    std::thread::available_parallelism().map_or(1, |count| count.get())
}
