//! Counts lines, words and bytes of files as `wc` does, and finds their most frequent words, with a worker process for
//! each CPU.
//!
//! ```text
//! cargo run --release --example wordcount -- [--processes N] PATH...
//! ```
//!
//! Each file, or each slice of a large one, is a call of the task [`count_slice`] in a worker of a [`Pool`]. Workers
//! read files themselves: a path goes to them, and what they have counted comes back. A file that cannot be counted
//! costs nothing but itself, be it that it cannot be read, that it changes meanwhile, or that its worker dies.

mod count;
mod files;
mod options;

use std::fmt::{Display, Write as _};
use std::io::Write as _;
use std::process::ExitCode;

use carom::{Pool, RemoteError, TaskError};
use count::{Counts, Tally, count_slice};
use indicatif::{ProgressBar, ProgressStyle};
use options::{Options, Request};

#[carom::main]
fn main() -> ExitCode {
    let done = match options::parse(std::env::args_os().skip(1)) {
        Ok(Request::Count(options)) => count_all(&options),
        Ok(Request::Help) => print(options::HELP).map(|()| 0),
        Err(mistake) => Err(format!("{mistake}\n{}", options::USAGE)),
    };
    match done {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_failed) => ExitCode::from(2),
        Err(reason) => {
            eprintln!("wordcount: {reason}");
            ExitCode::from(2)
        }
    }
}

/// Counts what there is and prints it. Returns how many files failed.
fn count_all(options: &Options) -> Result<u64, String> {
    let mut failed = 0;
    let files = files::find(&options.paths, &options.without, |path, error| {
        failed += 1;
        complain(path.as_os_str().as_encoded_bytes(), &error);
    });

    // not more workers than there are calls
    let calls = files.iter().map(|file| file.slices(options.slice).len()).sum();
    let processes = options.processes.unwrap_or_else(|| carom::cpu_count().min(calls).max(1));
    let pool = Pool::builder().processes(processes).build().map_err(|error| format!("{error:?}"))?;
    let calls = files.iter().flat_map(|file| file.slices(options.slice).map(|slice| (file.clone(), slice)));
    let mut results = pool.imap(count_slice, calls);

    let bar = progress_bar(files.iter().map(|file| file.size()).sum());
    let (mut counted, mut total) = (0, Tally::default());
    for file in &files {
        // a file counts as a whole or not at all, so the slices of one are added up by themselves
        let (mut of_slices, mut failure) = (Tally::default(), None);
        let slices = file.slices(options.slice);
        let is_whole = slices.len() == 1;
        for (slice, result) in slices.zip(&mut results) {
            match counts_of(result) {
                Ok(counts) if is_whole => total.add(&counts),
                Ok(counts) => of_slices.add(&counts),
                Err(reason) => failure = failure.or(Some(reason)),
            }
            bar.inc(slice.end - slice.start);
        }
        match failure {
            None => {
                counted += 1;
                total.merge(of_slices);
            }
            Some(reason) => {
                failed += 1;
                bar.suspend(|| complain(file.path.as_encoded_bytes(), &reason));
            }
        }
    }
    bar.finish_and_clear();
    print(&table(&total, counted, failed)).map(|()| failed)
}

/// What a call has counted, or why it has not: the pool has an error of its own beside the task's.
fn counts_of(result: Result<Result<Counts, RemoteError>, TaskError>) -> Result<Counts, String> {
    result.map_err(|error| format!("{error:?}"))?.map_err(|error| error.to_string())
}

/// The ten most frequent words, and a last line with the sums.
fn table(total: &Tally, files: u64, failed: u64) -> String {
    let mut table = String::new();
    for (word, times) in total.most_frequent(10) {
        // writing to a string does not fail
        let _ = writeln!(table, "{times:>10}  {}", shortened(word));
    }
    let Tally { lines, words, bytes, .. } = total;
    table + &format!("files {files}, lines {lines}, words {words}, bytes {bytes}, failed {failed}\n")
}

/// A word as it is shown, or the beginning of a long one.
fn shortened(word: &[u8]) -> String {
    const MOST: usize = 60;
    // as many bytes as the longest characters have, and one character more
    let shown = printable(&word[..word.len().min(4 * (MOST + 1))]);
    match shown.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

/// Bytes as a line of text that does nothing to a terminal.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let escaped = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escaped).collect()
}

/// By bytes, on standard error if that is a terminal.
fn progress_bar(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left");
    ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn complain(path: &[u8], reason: &dyn Display) {
    eprintln!("wordcount: {}: {reason}", printable(path));
}

fn print(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| format!("standard output: {error}"))
}
