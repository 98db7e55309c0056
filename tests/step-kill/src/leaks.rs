//! What processes leave behind: looked at before and after.
//!
//! # Safety
//! System calls that take integers, or no memory.

use crate::fault::{Fault, Kind};

/// What this process has, and what there is that has a name.
pub struct Belongings {
    descriptors: usize,
    mappings: usize,
    names: Vec<std::ffi::OsString>,
}

impl Belongings {
    /// Those of this instant.
    pub fn now() -> Self {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
        let is_shared = |line: &&str| line.contains("/memfd:") || line.contains("/dev/shm/");
        let names = std::fs::read_dir("/dev/shm").map(|dir| dir.flatten().map(|entry| entry.file_name()).collect());
        Self {
            descriptors: std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count),
            mappings: maps.lines().filter(is_shared).count(),
            names: names.unwrap_or_default(),
        }
    }

    /// What there is now, and was not then, and whether there is a child.
    pub fn leaks(&self) -> Vec<Fault> {
        let mut leaks = self.kept();
        // SAFETY: takes integers and no pointer.
        if unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) } != -1 {
            leaks.push(Kind::Leaked.fault("a process"));
        }
        leaks
    }

    /// What there is now, and was not then, but for processes. Of names, those of this program count, because others may
    /// have come meanwhile.
    pub fn kept(&self) -> Vec<Fault> {
        let now = Self::now();
        let mut leaks = Vec::new();
        let mut leak = |what: String| leaks.push(Kind::Leaked.fault(what));
        if now.descriptors != self.descriptors {
            leak(format!("{} descriptors, and {} before", now.descriptors, self.descriptors));
        }
        if now.mappings != self.mappings {
            leak(format!("{} shared mappings, and {} before", now.mappings, self.mappings));
        }
        for name in now.names.iter().filter(|name| !self.names.contains(name)) {
            if name.to_string_lossy().contains("step-kill") {
                leak(format!("the name {}", name.display()));
            }
        }
        leaks
    }
}
