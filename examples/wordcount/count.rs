//! The task, and what becomes of its results.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::io;
use std::ops::Range;

use carom::RemoteError;
use rustc_hash::FxBuildHasher;
use serde::{Deserialize, Serialize};

use crate::files::{OpenFile, TextFile};

/// With a hash that is quick for short words, and that whoever chooses the words can make slow.
type Table<Word> = HashMap<Word, u64, FxBuildHasher>;

/// What a worker sends back. A vector of numbers travels as one block, so all words are in one.
#[derive(Default, Serialize, Deserialize)]
pub struct Counts {
    lines: u64,
    bytes: u64,
    /// The different words, each followed by a space.
    words: Vec<u8>,
    /// How often each of them occurs.
    times: Vec<u64>,
}

/// Counts a slice of a file. A word belongs to the slice in which it begins.
#[carom::task]
pub fn count_slice(file: TextFile, slice: Range<u64>) -> Result<Counts, RemoteError> {
    // the byte before the slice tells whether a word has begun there
    let before = slice.start.min(1);
    let mut open = file.open_at(slice.start - before)?;
    let length = slice.end - slice.start + before;
    let mut text = Vec::new();
    text.try_reserve(length as usize)?;
    // those of /proc only say that they are empty
    open.read(if file.size() == 0 { u64::MAX } else { length }, &mut text)?;

    let own = text.get(before as usize..).unwrap_or_default();
    let lines = own.iter().filter(|&&byte| byte == b'\n').count() as u64;
    let mut counts = Counts { lines, bytes: own.len() as u64, ..Counts::default() };
    let first = if before == 0 { Some(0) } else { text.iter().position(is_space) };
    if let Some(first) = first {
        finish_last_word(&mut open, &mut text)?;
        (counts.words, counts.times) = count_words(&text[first..]);
    }
    open.close()?;
    Ok(counts)
}

/// Reads on to the end of the word that the text breaks off in, if it does.
fn finish_last_word(open: &mut OpenFile<'_>, text: &mut Vec<u8>) -> io::Result<()> {
    let mut in_word = text.last().is_some_and(|byte| !is_space(byte));
    let mut more = 4096;
    while in_word {
        let length = text.len();
        let end_of_file = open.read(more, text)? == 0;
        let end_of_word = text[length..].iter().position(is_space);
        text.truncate(end_of_word.map_or(text.len(), |end| length + end));
        in_word = !end_of_file && end_of_word.is_none();
        more *= 2;
    }
    Ok(())
}

/// White space as C has it, which is one more than `u8::is_ascii_whitespace`.
fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn count_words(text: &[u8]) -> (Vec<u8>, Vec<u64>) {
    let mut table = Table::<&[u8]>::default();
    for word in text.split(is_space).filter(|word| !word.is_empty()) {
        *table.entry(word).or_default() += 1;
    }
    let mut words = Vec::new();
    for word in table.keys() {
        words.extend_from_slice(word);
        words.push(b' ');
    }
    (words, table.into_values().collect())
}

/// The sum of many counts.
#[derive(Default)]
pub struct Tally {
    pub lines: u64,
    pub words: u64,
    pub bytes: u64,
    table: Table<Vec<u8>>,
}

impl Tally {
    pub fn add(&mut self, counts: &Counts) {
        self.lines += counts.lines;
        self.bytes += counts.bytes;
        for (word, times) in counts.words.split(is_space).zip(&counts.times) {
            self.words += times;
            match self.table.get_mut(word) {
                Some(sum) => *sum += times,
                None => drop(self.table.insert(word.to_vec(), *times)),
            }
        }
    }

    pub fn merge(&mut self, other: Self) {
        self.lines += other.lines;
        self.words += other.words;
        self.bytes += other.bytes;
        for (word, times) in other.table {
            *self.table.entry(word).or_default() += times;
        }
    }

    /// The words that occur most often, and how often; those that occur equally often in the order of their bytes.
    pub fn most_frequent(&self, most: usize) -> Vec<(&[u8], u64)> {
        let mut words: Vec<_> = self.table.iter().map(|(word, times)| (Reverse(*times), word.as_slice())).collect();
        if words.len() > most {
            words.select_nth_unstable(most);
            words.truncate(most);
        }
        words.sort_unstable();
        words.into_iter().map(|(Reverse(times), word)| (word, times)).collect()
    }
}
