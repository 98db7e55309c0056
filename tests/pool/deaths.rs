//! What is told of a worker that has ended in the midst of a call, and what else it costs.
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::common::{LONG, alone, descriptors, eventually, watchdog, watchdog_after, zombies};
use crate::losses::{all_stand, die, replaced};
use crate::stage::{Journal, Stage, pool_of, signal, square, stand, write_down};

/// How a call can end its worker, and what that looks like from outside: an exit code or one of these signals.
pub(crate) const WAYS: [(&str, Option<i32>, &[i32]); 6] = [
    ("kill", None, &[libc::SIGKILL]),
    ("segfault", None, &[libc::SIGSEGV]),
    ("abort", None, &[libc::SIGABRT]),
    ("overflow", None, &[libc::SIGABRT, libc::SIGSEGV]),
    ("0", Some(0), &[]),
    ("77", Some(77), &[]),
];

/// As the system counts for [`WorkerLost::run_time`](carom::WorkerLost::run_time), on a coarse clock.
pub(crate) const TICK: Duration = Duration::from_millis(20);

/// Ends its worker, but not at once.
#[carom::task]
fn die_after(milliseconds: u64, how: String) -> u64 {
    std::thread::sleep(Duration::from_millis(milliseconds));
    die(how)
}

#[carom::test]
fn a_lost_worker_tells_who_it_was_how_it_ended_and_how_long_it_ran_the_call() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    for (how, code, signals) in WAYS {
        let pid = pool.worker_pids()[0];
        let start = Instant::now();
        let error = pool.apply(die_after, (50, how.to_owned())).expect_err(how);
        let lost = error.worker_lost().unwrap_or_else(|| panic!("{error}"));
        assert_eq!((lost.pid(), lost.attempts(), lost.stderr()), (pid, 1, None), "{how}");
        let status = lost.status();
        assert_eq!(status.code(), code, "{how}");
        assert!(status.signal().map_or(signals.is_empty(), |number| signals.contains(&number)), "{how}: {status}");
        assert!(!status.success() || how == "0");
        let run_time = lost.run_time();
        assert!(run_time + TICK >= Duration::from_millis(50) && run_time <= start.elapsed() + TICK, "{run_time:?}");
        assert!(!lost.is_likely_out_of_memory() || how == "kill", "the system may have killed another one meanwhile");
        let text = error.to_string();
        let begin = format!("the worker that ran task `pool::deaths::die_after` (pid {pid}) ended: {status} after ");
        assert!(text.starts_with(&begin), "{text}");
        assert!(text.starts_with(&format!("{begin}{run_time:.1?}")) && !text.contains("attempt"), "{text}");
        assert_eq!(format!("{error:?}"), text);
        assert!(std::error::Error::source(&error).is_none());
        assert!(error.panic().is_none() && !error.is_codec() && !error.is_timeout());
        assert!(error.time_limit_exceeded().is_none() && error.memory_limit_exceeded().is_none());
        assert!(!error.is_closed() && !error.is_terminated());
        replaced(&pool, &[pid]);
        all_stand(&pool);
    }
}

/// How many bytes of memory this process has taken at most.
fn peak() -> u64 {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to space for the structure.
    assert_eq!(unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) }, 0);
    // SAFETY: the call has written it.
    let usage = unsafe { usage.assume_init() };
    (usage.ru_maxrss as u64) << 10
}

/// Takes this much memory, gives it back, and ends the worker.
#[carom::task]
fn take_and_die(bytes: u64) {
    drop(std::hint::black_box(vec![1_u8; bytes as usize]));
    std::process::abort();
}

#[carom::task]
fn see_the_peak() {
    let pool = pool_of(1);
    // what this process has taken before it was one, the kernel counts as well
    let bytes = peak() + (400 << 20);
    let error = pool.apply(take_and_die, bytes).expect_err("aborted");
    let peak = error.worker_lost().expect("lost").peak_memory().expect("more than this process");
    assert!(peak >= bytes && peak < bytes + (1 << 30), "{peak} of {bytes}");
    assert!(error.to_string().ends_with(&format!(", {} MiB at most", peak >> 20)), "{error}");
}

#[carom::test]
fn a_lost_worker_tells_how_much_memory_it_took_at_most() {
    let _watchdog = watchdog();
    alone(see_the_peak, ());
}

/// Writes its number down, and ends the worker if it is the one that is to do so.
#[carom::task]
fn note_or_die(journal: PathBuf, number: u32, dies: u32, how: String) -> String {
    write_down(&journal, number);
    if number == dies {
        die(how);
    }
    number.to_string()
}

#[carom::test]
fn however_a_worker_dies_in_a_chunk_the_results_before_it_are_there_and_the_calls_after_it_are_made_once() {
    let _watchdog = watchdog_after(2 * LONG);
    let pool = pool_of(2);
    for (how, code, signals) in WAYS {
        for (size, dies) in [(60, 0), (60, 29), (60, 59), (7, 20), (1, 30)] {
            let journal = Journal::new();
            let inputs = (0..60).map(|number| (journal.path(), number, dies, how.to_owned()));
            let results: Vec<_> = pool.job(note_or_die).chunk_size(size).imap(inputs).collect();
            assert_eq!(results.len(), 60);
            for (number, result) in (0..).zip(results) {
                assert_eq!(journal.times(number), 1);
                match result {
                    Ok(text) => assert!(text == number.to_string() && number != dies),
                    Err(error) => {
                        assert_eq!((number, error.index()), (dies, Some(dies as usize)), "{error}");
                        let status = error.worker_lost().expect("lost").status();
                        assert_eq!(status.code(), code, "{how}");
                        assert!(status.signal().is_none_or(|number| signals.contains(&number)), "{how}: {status}");
                        assert!(error.to_string().ends_with(&format!(" (input {dies})")), "{error}");
                    }
                }
            }
        }
    }
    all_stand(&pool);
}

fn open_files() -> Vec<String> {
    let all = descriptors("self").into_iter().map(|(_, what)| what);
    let mut all: Vec<String> = all.filter(|what| !what.starts_with("/proc/self/fd") && !what.contains("/fd")).collect();
    // each worker has another number
    for what in &mut all {
        if what.starts_with("/proc/") || what.contains('[') {
            what.retain(|c| !c.is_ascii_digit());
        }
    }
    all.sort();
    all
}

/// In a process of its own, where no other test has anything open.
#[carom::task]
fn lose_workers() {
    for captured in [false, true] {
        let pool = carom::Pool::builder().processes(2).capture_stderr(captured).build().expect("a pool");
        let kill_one = || {
            let idle = pool.worker_pids();
            signal(idle[0], libc::SIGKILL);
            replaced(&pool, &idle[..1]);
            all_stand(&pool);
        };
        // a pool opens files for a moment when it begins
        kill_one();
        let before = open_files();
        for (how, ..) in WAYS.into_iter().chain(WAYS) {
            assert!(pool.apply(die, how.to_owned()).expect_err(how).worker_lost().is_some());
            kill_one();
        }
        let start = Instant::now();
        while open_files() != before {
            assert!(start.elapsed() < LONG / 2, "{:#?} were {before:#?}", open_files());
        }
        eventually("all are reaped", || zombies().is_empty());
        let mut children: Vec<u32> = carom::active_children().iter().map(carom::Process::pid).collect();
        let mut workers = pool.worker_pids();
        children.sort_unstable();
        workers.sort_unstable();
        assert_eq!(children, workers, "nobody else is there");
    }
}

#[carom::test]
fn workers_that_die_leave_no_zombie_and_no_descriptor_behind() {
    let _watchdog = watchdog_after(2 * LONG);
    alone(lose_workers, ());
}

#[carom::test]
fn all_workers_may_die_at_once_and_the_calls_behind_them_are_made_once() {
    let _watchdog = watchdog();
    let (pool, journal) = (pool_of(3), Journal::new());
    for round in 0..10 {
        let mut stage = Stage::new();
        let standing: Vec<_> = (0..3).map(|_| pool.apply_async(stand, stage.part())).collect();
        let pids = [stage.next(), stage.next(), stage.next()];
        let numbers = || (0..40).map(|number| round * 1000 + number);
        let queued: Vec<_> =
            numbers().map(|number| pool.apply_async(crate::stage::note, (journal.path(), number))).collect();
        pids.iter().for_each(|pid| signal(*pid, libc::SIGKILL));
        let mut lost: Vec<u32> = standing
            .into_iter()
            .map(|result| result.get().expect_err("killed").worker_lost().expect("lost").pid())
            .collect();
        lost.sort_unstable();
        let mut pids = pids.to_vec();
        pids.sort_unstable();
        assert_eq!(lost, pids, "each is told of its own");
        for (number, result) in numbers().zip(queued) {
            assert_eq!(result.get().expect("made by others"), number);
            assert_eq!(journal.times(number), 1);
        }
        replaced(&pool, &pids);
        assert_eq!(pool.map(square, 0..20).expect("squares").len(), 20);
    }
}
