//! Large messages, and what travels with them.
use std::fs::File;
use std::io::{Read, Seek};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};

use carom::Fd;
use serde::{Deserialize, Serialize};

use crate::common::{LONG, watchdog, watchdog_after};
use crate::stage::pool_of;

#[carom::task]
fn grow(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.push(1);
    bytes
}

#[carom::test]
fn ten_threads_with_large_arguments_make_progress_together() {
    let _watchdog = watchdog_after(3 * LONG);
    let pool = pool_of(2);
    let len = 16 << 20;
    let round = Barrier::new(10);
    std::thread::scope(|scope| {
        for byte in 0..10 {
            let (pool, round) = (&pool, &round);
            scope.spawn(move || {
                let mut bytes = vec![byte; len];
                for _ in 0..3 {
                    // nobody is a round behind
                    round.wait();
                    bytes = pool.apply(grow, bytes).expect("grown");
                }
                assert!(bytes.len() == len + 3 && bytes[..len].iter().all(|b| *b == byte));
            });
        }
    });
}

static ENCODED: AtomicU32 = AtomicU32::new(0);

/// Counts in this process how often one is encoded.
#[derive(Deserialize)]
struct Counted(u32);

impl Serialize for Counted {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ENCODED.fetch_add(1, Ordering::SeqCst);
        serializer.serialize_newtype_struct("Counted", &self.0)
    }
}

#[carom::task(retries = 3)]
fn fail_at_first(number: Counted) -> u32 {
    if carom::task::current().attempt() < 3 {
        std::process::abort();
    }
    number.0
}

#[carom::test]
fn an_input_is_encoded_once_however_often_it_goes_to_a_worker() {
    let _watchdog = watchdog();
    let pool = pool_of(2);
    assert_eq!(pool.apply(fail_at_first, Counted(7)).expect("at last"), 7);
    assert_eq!(ENCODED.load(Ordering::SeqCst), 1);
    let results: Vec<_> = pool.job(fail_at_first).chunk_size(4).map((0..4).map(Counted)).expect("at last");
    assert_eq!(results, [0, 1, 2, 3]);
    assert_eq!(ENCODED.load(Ordering::SeqCst), 5);
}

/// The text of a file, unless this is the call that ends its worker.
#[carom::task]
fn read(mut file: Fd<File>, dies: bool) -> String {
    if dies {
        std::process::exit(3);
    }
    let mut text = String::new();
    file.rewind().expect("rewind");
    file.read_to_string(&mut text).expect("read");
    text
}

#[carom::test]
fn the_calls_after_one_that_dies_have_their_descriptors() {
    let _watchdog = watchdog();
    let pool = pool_of(2);
    let fds = || std::fs::read_dir("/proc/self/fd").expect("read").count();
    let path = std::env::temp_dir().join(format!("carom-bulk-{}", std::process::id()));
    std::fs::write(&path, "text").expect("write");
    let before = fds();
    for size in [1, 3, 10] {
        let inputs = (0..10).map(|number| (Fd(File::open(&path).expect("open")), number == 4));
        let results: Vec<_> = pool.job(read).chunk_size(size).imap(inputs).collect();
        for (number, result) in results.into_iter().enumerate() {
            match result {
                Ok(text) => assert!(text == "text" && number != 4, "{number}: {text}"),
                Err(error) => assert!(error.worker_lost().is_some() && number == 4, "{number}: {error}"),
            }
        }
    }
    std::fs::remove_file(&path).expect("remove");
    crate::common::eventually("no descriptor is left", || fds() <= before);
}

#[carom::task]
fn zeros(len: usize) -> Vec<u8> {
    vec![0; len]
}

#[carom::task]
fn take_a_long_result_without_a_descriptor_for_it() {
    let pool = pool_of(1);
    assert_eq!(pool.apply(zeros, 3 << 20).expect("zeros").len(), 3 << 20);
    let limit = libc::rlimit { rlim_cur: 64, rlim_max: 64 };
    // SAFETY: the structure is valid.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
    let others: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    // it comes in a file, and what is said instead is not taken for its bytes
    let error = pool.apply(zeros, 3 << 20).expect_err("there is no descriptor");
    assert!(error.to_string().contains("descriptors that this process may not open"), "{error}");
    // one that needs none is there
    assert_eq!(pool.apply(zeros, 5000).expect("zeros"), [0; 5000]);
    drop(others);
    assert_eq!(pool.apply(zeros, 3 << 20).expect("zeros").len(), 3 << 20);
}

#[carom::test]
fn a_long_result_without_a_descriptor_for_it_is_an_error_and_not_another_result() {
    let _watchdog = watchdog();
    crate::common::alone(take_a_long_result_without_a_descriptor_for_it, ());
}
