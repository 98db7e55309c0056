//! A pipeline: three processes, connected by one-way pipes, find the most frequent words of some files.
//!
//! ```text
//! cargo run --example pipeline -- README.md ARCHITECTURE.md
//! ```
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use carom::{PipeBuilder, Process, Receiver, RemoteError, SendError, Sender};

/// Sends the lines of the files. When it returns, its end of the pipe closes, and that is the end of the input.
#[carom::task]
fn read_lines(paths: Vec<PathBuf>, lines: Sender<String>) -> Result<(), RemoteError> {
    for path in paths {
        let failed = |error| RemoteError::msg(format_args!("{}: {error}", path.display()));
        for line in BufReader::new(File::open(&path).map_err(failed)?).lines() {
            match lines.send(&line.map_err(failed)?) {
                // the next stage has ended early, and says itself why
                Err(SendError::Disconnected) => return Ok(()),
                sent => sent?,
            }
        }
    }
    Ok(())
}

/// Picks out words of four letters or more, in lower case.
#[carom::task]
fn pick_words(lines: Receiver<String>, words: Sender<String>) -> Result<(), RemoteError> {
    for line in lines.iter() {
        let line = line?.to_lowercase();
        for word in line.split(|c: char| !c.is_alphabetic()).filter(|word| word.chars().count() >= 4) {
            match words.send(&word.to_owned()) {
                Err(SendError::Disconnected) => return Ok(()),
                sent => sent?,
            }
        }
    }
    Ok(())
}

type Counts = BTreeMap<String, u32>;

/// Counts until no more words come, then reports once.
#[carom::task]
fn count_words(words: Receiver<String>, report: Sender<Counts>) -> Result<(), RemoteError> {
    let mut counts = Counts::new();
    for word in words.iter() {
        *counts.entry(word?).or_default() += 1;
    }
    Ok(report.send(&counts)?)
}

#[carom::main]
fn main() -> carom::Result<()> {
    let mut paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if paths.is_empty() {
        paths.push(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    }

    let (lines, lines_in) = PipeBuilder::new().one_way()?;
    let (words, words_in) = PipeBuilder::new().one_way()?;
    let (report, report_in) = PipeBuilder::new().one_way()?;
    // an end that is an argument moves to the process: nobody else holds it open
    let stages = [
        Process::builder().name("read").spawn(read_lines, (paths, lines_in))?,
        Process::builder().name("pick").spawn(pick_words, (lines, words_in))?,
        Process::builder().name("count").spawn(count_words, (words, report_in))?,
    ];

    let counts = report.recv();
    // a stage that dies closes its ends too, so only how all of them ended tells whether the counts are whole
    for stage in &stages {
        stage.join()?.exit_ok()?;
    }
    let mut table: Vec<(String, u32)> = counts?.into_iter().collect();
    table.sort_by_key(|(_, count)| std::cmp::Reverse(*count)); // stable: equal counts stay in the words' order
    for (word, count) in table.iter().take(10) {
        println!("{count:>5} {word}");
    }
    Ok(())
}
