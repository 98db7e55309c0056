//! Several copies of this process that share work, because most of it is to wait for others that sleep.

use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Write, pipe};

use crate::orphans::see_orphans_end;
use crate::process::{fork, kill, reap};

/// So many work at the same time. Many more, and what depends on the time goes other ways.
const WORKERS: usize = 12;

/// Copies of this process, and what they say. They are killed when this is dropped.
pub(crate) struct Workers {
    pids: Vec<u32>,
    lines: BufReader<PipeReader>,
}

/// How one of them says something.
pub(crate) struct Report(PipeWriter);

impl Workers {
    /// Has each worker do its part of the numbers.
    pub(crate) fn start(numbers: &[usize], work: impl Fn(&mut dyn Iterator<Item = usize>, Report)) -> Self {
        let (reader, writer) = pipe().expect("two descriptors");
        // what is not printed yet would be printed by each of them
        let _ = std::io::stdout().flush();
        let start = |worker| {
            let report = Report(writer.try_clone().expect("a descriptor"));
            fork(|| work(&mut numbers.iter().copied().skip(worker).step_by(WORKERS), report))
        };
        let pids = (0..WORKERS.min(numbers.len())).map(start).collect();
        Self { pids, lines: BufReader::new(reader) }
    }

    /// What one of them says next; none when all have ended.
    pub(crate) fn next(&mut self) -> Option<String> {
        let mut line = String::new();
        let length = self.lines.read_line(&mut line).expect("a pipe");
        (length != 0).then(|| line.trim_end().to_owned())
    }

    /// Whether all of them have ended by themselves. To be asked when there is nothing more to read.
    pub(crate) fn are_well(mut self) -> bool {
        self.pids.drain(..).filter(|pid| !reap(*pid)).count() == 0
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.pids.iter().for_each(|pid| kill(*pid));
        self.pids.iter().for_each(|pid| _ = reap(*pid));
        // what they had started ends with them
        let _ = see_orphans_end();
    }
}

impl Report {
    /// Says something, in one line that no other breaks.
    pub(crate) fn say(&mut self, line: &str) {
        let mut line = line.replace('\n', "; ");
        // longer ones would not be written at once
        line.truncate(line.floor_char_boundary(libc::PIPE_BUF - 1));
        line.push('\n');
        self.0.write_all(line.as_bytes()).expect("a pipe");
    }
}
