//! Calls of tasks in a pool.

use std::collections::HashMap;

use carom::Pool;
use sha2::{Digest, Sha256};

use crate::report::{latency, seconds, throughput};
use crate::tiny;

const PEER: &str = "carom/spawn";
const MIB: usize = 1 << 20;

/// A pool whose workers have done something.
fn pool(processes: usize) -> Pool {
    let pool = Pool::builder().processes(processes).build().expect("a pool");
    pool.map(tiny, 0..4).expect("map");
    pool
}

/// One call at a time of one worker.
pub(crate) fn pool_roundtrip() {
    let pool = pool(1);
    latency("pool_roundtrip", PEER, 2_000, || assert_eq!(pool.apply(tiny, 5).expect("apply"), tiny(5)));
}

/// A map over numbers, each a request of its own, and in the chunks that `map` makes.
pub(crate) fn pool_map_tiny() {
    let pool = pool(2);
    let count = 20_000;
    throughput("pool_map_tiny", PEER, "chunk=1", "tasks/s", || {
        count as f64 / seconds(|| assert_eq!(pool.job(tiny).chunk_size(1).map(0..count).expect("map")[5], tiny(5)))
    });
    let count = 100_000;
    throughput("pool_map_tiny", PEER, "chunk=default", "tasks/s", || {
        count as f64 / seconds(|| assert_eq!(pool.map(tiny, 0..count).expect("map")[5], tiny(5)))
    });
}

#[carom::task]
fn send_back(bytes: Vec<u8>) -> Vec<u8> {
    bytes
}

/// A mebibyte in and out for each call.
pub(crate) fn pool_map_payload() {
    let pool = pool(2);
    let (count, input) = (200, vec![3u8; MIB]);
    throughput("pool_map_payload", PEER, "chunk=1", "MB/s", || {
        let elapsed = seconds(|| {
            let outputs = pool.imap(send_back, std::iter::repeat_n(&input, count).cloned());
            assert_eq!(outputs.map(|output| output.expect("a result").len()).sum::<usize>(), count * MIB);
        });
        (2 * count * MIB) as f64 / 1e6 / elapsed
    });
}

type Counts = HashMap<Vec<u8>, u64>;

#[carom::task]
fn count_words(path: String) -> Counts {
    let text = std::fs::read(path).expect("read");
    let mut counts = HashMap::<&[u8], u64>::new();
    for word in text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()) {
        *counts.entry(word).or_default() += 1;
    }
    counts.into_iter().map(|(word, count)| (word.to_vec(), count)).collect()
}

#[carom::task]
fn sha256(path: String) -> [u8; 32] {
    Sha256::digest(std::fs::read(path).expect("read")).into()
}

/// Words and checksums of the text files in the directory that `PEERS_DATA` names, where a file `words` tells how
/// many words there are.
pub(crate) fn real_job() {
    let Ok(directory) = std::env::var("PEERS_DATA") else { return eprintln!("real_job needs PEERS_DATA") };
    let entries = std::fs::read_dir(&directory).expect("the directory").map(|entry| entry.expect("an entry").path());
    let texts = entries.filter(|path| path.extension().is_some_and(|extension| extension == "txt"));
    let mut files: Vec<String> = texts.map(|path| path.to_string_lossy().into_owned()).collect();
    files.sort();
    let words = std::fs::read_to_string(format!("{directory}/words")).expect("the number of words");
    let words: u64 = words.trim().parse().expect("a number");
    let pool = pool(2);
    throughput("real_job", PEER, "wordcount", "s", || {
        seconds(|| {
            let mut total = Counts::new();
            for counts in pool.imap_unordered(count_words, files.clone()) {
                counts.expect("counts").into_iter().for_each(|(word, count)| *total.entry(word).or_default() += count);
            }
            assert_eq!(total.values().sum::<u64>(), words);
        })
    });
    throughput("real_job", PEER, "sha256", "s", || {
        seconds(|| assert_eq!(pool.imap(sha256, files.clone()).filter(Result::is_ok).count(), files.len()))
    });
}
