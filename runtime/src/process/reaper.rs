//! Reaping of children that nobody holds a handle to, so that they leave no zombies.
//!
//! One thread waits for all of them. It starts with the first such child and ends with the last. A
//! process that is itself a child of carom's starts no thread of its own accord; there, such children are
//! reaped when the next process is started or listed, and at the end.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags};

use super::{children, current};
use crate::sys::wait;

/// The write end of a pipe that makes the thread look again; none while there is no thread.
static WAKE: Mutex<Option<File>> = Mutex::new(None);

/// Sees to it that children without a handle are reaped. Called when there is a new one.
pub(super) fn watch() {
    if current::is_child() {
        return;
    }
    let mut wake = WAKE.lock().unwrap_or_else(PoisonError::into_inner);
    match &mut *wake {
        // a full pipe wakes as well
        Some(pipe) => drop(pipe.write(&[0])),
        // without a thread, they are reaped when the next process is started or listed, and at the end
        None => *wake = start().ok(),
    }
}

fn start() -> io::Result<File> {
    let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
    std::thread::Builder::new().name("carom-reaper".to_owned()).spawn(move || run(&File::from(read)))?;
    Ok(File::from(write))
}

fn run(mut wakes: &File) {
    loop {
        let unheld = children::unheld();
        if unheld.is_empty() {
            let mut wake = WAKE.lock().unwrap_or_else(PoisonError::into_inner);
            // under the lock, so that one who comes now starts the next thread
            if children::unheld().is_empty() {
                *wake = None;
                return;
            }
            continue;
        }
        let sentinels = unheld.iter().map(|child| child.sentinel());
        let mut fds: Vec<_> = sentinels.chain([wakes.as_fd()]).map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        if wait::any_readable(&mut fds, None).is_err() {
            // out of memory: look again when the next one comes
            *WAKE.lock().unwrap_or_else(PoisonError::into_inner) = None;
            return;
        }
        while matches!(wakes.read(&mut [0; 64]), Ok(64)) {}
        children::reap_unheld();
    }
}
