//! What several of the tests use: a pool, calls that stand still until they are told to go on, and a journal of
//! calls that were made.
use std::fs::{File, OpenOptions};
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use carom::{Fd, Pool};

#[track_caller]
pub(crate) fn pool_of(processes: usize) -> Pool {
    Pool::builder().processes(processes).build().expect("a pool")
}

/// Calls of [`stand`] come onto the stage, and leave it when it opens.
pub(crate) struct Stage {
    told: (PipeReader, PipeWriter),
    gate: (PipeReader, PipeWriter),
}

/// What [`stand`] is given.
pub(crate) type Part = (Fd<PipeWriter>, Fd<PipeReader>);

/// Tells its pid, then waits until the stage opens.
#[carom::task]
pub(crate) fn stand(mut told: Fd<PipeWriter>, mut gate: Fd<PipeReader>) -> u32 {
    let pid = std::process::id();
    // nobody may listen any more
    let _ = told.write_all(&pid.to_le_bytes());
    gate.read_to_end(&mut Vec::new()).expect("wait");
    pid
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self { told: std::io::pipe().expect("pipe"), gate: std::io::pipe().expect("pipe") }
    }

    pub(crate) fn part(&self) -> Part {
        (Fd(self.told.1.try_clone().expect("clone")), Fd(self.gate.0.try_clone().expect("clone")))
    }

    /// Waits for the next call that comes; the pid of its worker.
    pub(crate) fn next(&mut self) -> u32 {
        let mut pid = [0; 4];
        self.told.0.read_exact(&mut pid).expect("a call");
        u32::from_le_bytes(pid)
    }

    pub(crate) fn open(self) {}
}

/// A file to which calls add lines.
pub(crate) struct Journal(pub(crate) PathBuf);

impl Journal {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let (pid, number) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let journal = Self(std::env::temp_dir().join(format!("carom-journal-{pid}-{number}")));
        File::create(&journal.0).expect("create");
        journal
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.clone()
    }

    /// How many lines are just this one.
    pub(crate) fn times(&self, line: impl std::fmt::Display) -> usize {
        let line = line.to_string();
        self.lines().iter().filter(|other| **other == line).count()
    }

    /// The whole lines that are there.
    pub(crate) fn lines(&self) -> Vec<String> {
        std::fs::read_to_string(&self.0).expect("read").lines().map(str::to_owned).collect()
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Adds a line at once.
pub(crate) fn write_down(journal: &PathBuf, line: impl std::fmt::Display) {
    let mut file = OpenOptions::new().append(true).open(journal).expect("open");
    file.write_all(format!("{line}\n").as_bytes()).expect("write");
}

/// Adds a number to a journal, and returns it.
#[carom::task]
pub(crate) fn note(journal: PathBuf, number: u32) -> u32 {
    write_down(&journal, number);
    number
}

/// Writes a number down, and stands still if it has a part.
#[carom::task]
pub(crate) fn note_and_play(journal: PathBuf, number: u32, part: Option<Part>) -> u32 {
    write_down(&journal, number);
    if let Some((told, gate)) = part {
        stand(told, gate);
    }
    number
}

#[carom::task]
pub(crate) fn whoami() -> u32 {
    std::process::id()
}

#[carom::task]
pub(crate) fn square(x: u64) -> u64 {
    x * x
}

/// A text twice; what is not a number does not travel in blocks.
#[carom::task]
pub(crate) fn twice(text: String) -> String {
    text.repeat(2)
}

/// Sends a signal to a process that is known to be there.
pub(crate) fn signal(pid: u32, signal: i32) {
    // SAFETY: takes integers.
    assert_eq!(unsafe { libc::kill(pid as i32, signal) }, 0, "{}", std::io::Error::last_os_error());
}

/// What the kernel says a process is doing; `Z` if it has ended.
pub(crate) fn state(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(')').next()?.split_whitespace().next().map(str::to_owned)
}

/// Whether a process runs; an orphan that has ended may still wait to be reaped.
pub(crate) fn runs(pid: u32) -> bool {
    state(pid).is_some_and(|state| state != "Z" && state != "X")
}

/// Stops a process and waits until it stands.
pub(crate) fn stop(pid: u32) {
    signal(pid, libc::SIGSTOP);
    crate::common::eventually("it stands", || state(pid).as_deref() == Some("T"));
}
