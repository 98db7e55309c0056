//! How much memory a process takes at present, from a kept `/proc/PID/statm`.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::map::PAGE;

/// That of a process, or of this one. It must not have been reaped; afterwards, reads fail.
pub(crate) fn open(pid: Option<u32>) -> io::Result<File> {
    match pid {
        Some(pid) => File::open(format!("/proc/{pid}/statm")),
        None => File::open("/proc/self/statm"),
    }
}

/// How many bytes are resident, shared ones included.
pub(crate) fn resident(statm: &File) -> io::Result<u64> {
    let mut line = [0; 128];
    let len = statm.read_at(&mut line, 0)?;
    let pages = std::str::from_utf8(&line[..len]).ok().and_then(|line| line.split(' ').nth(1)?.parse::<u64>().ok());
    pages.map(|pages| pages * PAGE as u64).ok_or(io::ErrorKind::InvalidData.into())
}
