//! Reaping of children that nobody holds a handle to, so that they leave no zombies.
//!
//! One thread waits for all of them. It starts with the first such child and ends with the last. A
//! process that is itself a child of carom's starts no thread of its own accord; there, and where no thread
//! can be had, such children are reaped when the next process is started or listed, and at the end.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags};

use super::{child, children, current};
use crate::sys::{signals, wait};

/// The write end of a pipe that makes the thread look again; none while there is no thread.
static WAKE: Mutex<Option<File>> = Mutex::new(None);

/// There may be children without a handle that no thread waits for.
static MISSED: AtomicBool = AtomicBool::new(false);

/// How long the thread rests where it cannot wait for all, or a debugger holds some back.
const REST: Duration = Duration::from_millis(20);

/// Sees to it that children without a handle are reaped. Called when there is a new one.
pub(super) fn watch() {
    if current::is_child() {
        MISSED.store(true, Ordering::Relaxed);
        return;
    }
    let mut wake = WAKE.lock().unwrap_or_else(PoisonError::into_inner);
    match &mut *wake {
        // a full pipe wakes as well
        Some(pipe) => drop(pipe.write(&[0])),
        None => match start() {
            Ok(pipe) => *wake = Some(pipe),
            Err(_) => MISSED.store(true, Ordering::Relaxed),
        },
    }
}

/// Reaps what no thread waits for. Called when a process is started.
pub(super) fn make_up_for() {
    if MISSED.load(Ordering::Relaxed) {
        children::reap_unheld();
    }
}

fn start() -> io::Result<File> {
    let (wakes, wake) = wait::wake_pipe()?;
    let thread = std::thread::Builder::new().name("carom-reaper".to_owned());
    signals::start_without(|| thread.spawn(move || run(&wakes)))??;
    Ok(wake)
}

fn run(mut wakes: &File) {
    loop {
        let unheld = child::unheld();
        if unheld.is_empty() {
            let mut wake = WAKE.lock().unwrap_or_else(PoisonError::into_inner);
            // under the lock, so that one who comes now starts the next thread
            if child::unheld().is_empty() {
                *wake = None;
                return;
            }
            continue;
        }
        let sentinels = unheld.iter().map(|child| child.sentinel());
        let mut fds: Vec<_> = sentinels.chain([wakes.as_fd()]).map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        let waited = wait::any_ready(&mut fds, None);
        while matches!(wakes.read(&mut [0; 64]), Ok(64)) {}
        if !children::reap_unheld() || waited.is_err() {
            std::thread::sleep(REST);
        }
    }
}
