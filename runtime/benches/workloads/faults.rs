//! Pools whose workers end: for a limit, by a kill, or because they have done enough; and what workers cost that do nothing.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use carom::{Pool, Process, RawValue};

use crate::report::{figure, seconds, throughput};
use crate::tiny;

const PEER: &str = "carom/spawn";
const LIMIT: Duration = Duration::from_millis(100);

/// Nanoseconds of the clock that all processes share.
fn clock() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a structure of ours.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}

/// A descriptor of a process, which tells that it has ended.
fn pidfd(pid: u32) -> OwnedFd {
    // SAFETY: takes integers.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    assert!(fd >= 0, "{}", std::io::Error::last_os_error());
    // SAFETY: it is new, and nobody else's.
    unsafe { OwnedFd::from_raw_fd(fd as i32) }
}

fn wait_until_readable(fd: impl AsFd) {
    let mut poll = libc::pollfd { fd: fd.as_fd().as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: the pointer is to one structure.
    while unsafe { libc::poll(&raw mut poll, 1, -1) } != 1 {}
}

type Begun = RawValue<AtomicU64>;

#[carom::task]
fn stand_still(begun: Begun) {
    begun.store(clock(), SeqCst);
    loop {
        std::thread::park();
    }
}

/// From the limit to the worker's death, from there to the caller's knowledge, and to the end of the next call in its place; and the
/// first two with nothing but a timer, a signal and a poll.
pub(crate) fn pool_limit() {
    let (mut deaths, mut known, mut next) = (Vec::new(), Vec::new(), Vec::new());
    let pool = Pool::builder().processes(1).build().expect("a pool");
    for _ in 0..30 {
        let begun: Begun = RawValue::new(AtomicU64::new(0)).expect("memory");
        let worker = pidfd(pool.worker_pids()[0]);
        let (dead, told, done) = std::thread::scope(|scope| {
            let watcher = scope.spawn(|| {
                wait_until_readable(&worker);
                clock()
            });
            let error = pool.job(stand_still).timeout(LIMIT).apply(begun.clone()).expect_err("it stands still");
            let told = clock();
            assert_eq!(error.time_limit_exceeded(), Some(LIMIT));
            pool.apply(tiny, 5).expect("apply");
            (watcher.join().expect("join"), told, clock())
        });
        let limit = begun.load(SeqCst) + LIMIT.as_nanos() as u64;
        deaths.push(dead.saturating_sub(limit) as f64 / 1e3);
        // the watcher may be the later one
        known.push(told.saturating_sub(limit) as f64 / 1e3);
        next.push(done.saturating_sub(limit) as f64 / 1e3);
    }
    figure("pool_limit", PEER, "deadline-to-death", "us", deaths);
    figure("pool_limit", PEER, "deadline-to-knowledge", "us", known);
    figure("pool_limit", PEER, "deadline-to-next-call", "us", next);
    bare_limit();
    kill_to_knowledge();
}

/// What the system allows: a timer, a signal, and a poll.
fn bare_limit() {
    let (mut deaths, mut known) = (Vec::new(), Vec::new());
    for _ in 0..30 {
        let begun: Begun = RawValue::new(AtomicU64::new(0)).expect("memory");
        let process = Process::spawn(stand_still, begun.clone()).expect("spawn");
        let child = pidfd(process.pid());
        while begun.load(SeqCst) == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        let limit = clock() + LIMIT.as_nanos() as u64;
        // SAFETY: takes integers.
        let timer = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC) };
        assert!(timer >= 0);
        // SAFETY: it is new, and nobody else's.
        let mut timer = File::from(unsafe { OwnedFd::from_raw_fd(timer) });
        let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        let at = libc::timespec { tv_sec: (limit / 1_000_000_000) as i64, tv_nsec: (limit % 1_000_000_000) as i64 };
        let time = libc::itimerspec { it_interval: zero, it_value: at };
        // SAFETY: the pointers are to structures of ours, or null.
        let set = unsafe {
            libc::timerfd_settime(timer.as_raw_fd(), libc::TFD_TIMER_ABSTIME, &raw const time, std::ptr::null_mut())
        };
        assert_eq!(set, 0);
        let (dead, told) = std::thread::scope(|scope| {
            let watcher = scope.spawn(|| {
                wait_until_readable(&child);
                clock()
            });
            wait_until_readable(&timer);
            timer.read_exact(&mut [0; 8]).expect("read");
            let null = std::ptr::null::<libc::siginfo_t>();
            // SAFETY: a null pointer is allowed.
            let sent = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, child.as_raw_fd(), libc::SIGKILL, null, 0) };
            assert_eq!(sent, 0);
            wait_until_readable(&child);
            let told = clock();
            (watcher.join().expect("join"), told)
        });
        let _ = process.join().expect("join");
        deaths.push(dead.saturating_sub(limit) as f64 / 1e3);
        known.push(told.saturating_sub(limit) as f64 / 1e3);
    }
    figure("pool_limit", "limit:timerfd+pidfd+poll", "deadline-to-death", "us", deaths);
    figure("pool_limit", "limit:timerfd+pidfd+poll", "deadline-to-knowledge", "us", known);
}

/// From a SIGKILL to a busy worker to the caller's error.
fn kill_to_knowledge() {
    let pool = Pool::builder().processes(2).build().expect("a pool");
    let mut known: Vec<f64> = Vec::new();
    for _ in 0..200 {
        let begun: Begun = RawValue::new(AtomicU64::new(0)).expect("memory");
        let before = pool.worker_pids();
        let result = pool.apply_async(stand_still, begun.clone());
        while begun.load(SeqCst) == 0 {
            std::thread::yield_now();
        }
        let start = clock();
        // whichever of the two it is
        for pid in before {
            // SAFETY: takes integers.
            unsafe { libc::kill(pid.cast_signed(), libc::SIGKILL) };
        }
        let error = result.get().expect_err("its worker is dead");
        known.push((clock() - start) as f64 / 1e3);
        assert!(error.worker_lost().is_some(), "{error}");
    }
    known.sort_by(f64::total_cmp);
    figure("pool_limit", PEER, "kill-to-knowledge-p50", "us", vec![known[100]]);
    figure("pool_limit", PEER, "kill-to-knowledge-p99", "us", vec![known[198]]);
}

/// A map in requests of one call each, by workers that make 100 calls each, and by ones that go on.
pub(crate) fn pool_recycle() {
    let count = 20_000_u64;
    for (peer, most) in [("carom/spawn(never)", u64::MAX), ("carom/spawn(100)", 100)] {
        let pool = Pool::builder().processes(2).max_tasks_per_child(most).build().expect("a pool");
        throughput("pool_recycle", peer, "chunk=1", "tasks/s", || {
            let map = || pool.job(tiny).chunk_size(1).map(0..count).expect("map").len();
            count as f64 / seconds(|| assert_eq!(map() as u64, count))
        });
    }
}

/// A map of many items in default chunks while a worker is killed every 50 ms, and one while 1,000 are killed in all.
pub(crate) fn pool_kill_storm() {
    let pool = Pool::builder().processes(2).build().expect("a pool");
    storm(&pool, "never", 10_000_000, Duration::MAX, 0);
    storm(&pool, "every-50ms", 200_000_000, Duration::from_millis(50), u32::MAX);
    storm(&pool, "1000-kills", 10_000_000, Duration::from_micros(300), 1000);
}

fn storm(pool: &Pool, metric: &str, count: u64, pause: Duration, most: u32) {
    let (over, kills) = (AtomicBool::new(false), AtomicU32::new(0));
    let (mut done, mut lost) = (0, 0);
    let elapsed = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut turn = 0;
            while kills.load(SeqCst) < most && !over.load(SeqCst) {
                std::thread::sleep(pause.min(Duration::from_secs(1)));
                let pids = pool.worker_pids();
                turn += 1;
                if let Some(pid) = pids.get(turn % pids.len().max(1)) {
                    // SAFETY: takes integers; at worst it has ended in this instant.
                    unsafe { libc::kill(pid.cast_signed(), libc::SIGKILL) };
                    kills.fetch_add(1, SeqCst);
                }
            }
        });
        let elapsed = seconds(|| {
            while done + lost < count || kills.load(SeqCst) < most.min(1000) {
                // the size of chunks that `map` makes of 10,000,000; `map` itself would tell of the first loss only
                for result in pool.job(tiny).chunk_size(1_250_000).imap(0..count) {
                    match result {
                        Ok(_) => done += 1,
                        Err(error) => {
                            assert!(error.worker_lost().is_some(), "{error}");
                            lost += 1;
                        }
                    }
                }
            }
        });
        over.store(true, SeqCst);
        elapsed
    });
    let kills = kills.load(SeqCst);
    assert!(lost <= u64::from(kills) && (done + lost).is_multiple_of(count));
    figure("pool_kill_storm", PEER, metric, "tasks/s", vec![(done + lost) as f64 / elapsed]);
    figure("pool_kill_storm", PEER, &format!("{metric}-kills"), "kills", vec![f64::from(kills)]);
    figure("pool_kill_storm", PEER, &format!("{metric}-lost"), "calls", vec![lost as f64]);
}

/// The bytes that stand behind a name in `/proc/PID/…`, which is in KiB.
fn kibibytes(file: &str, name: &str) -> f64 {
    let text = std::fs::read_to_string(file).expect("read");
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("the line");
    line.split_whitespace().next().expect("a number").parse::<f64>().expect("a number") * 1024.0
}

/// Memory of a worker that does nothing, CPU of a pool that does nothing, memory of calls that wait.
pub(crate) fn pool_memory() {
    let pool = Pool::builder().processes(4).build().expect("a pool");
    pool.map(tiny, 0..100).expect("map");
    let private = |pid: &u32| {
        let file = format!("/proc/{pid}/smaps_rollup");
        kibibytes(&file, "Private_Clean:") + kibibytes(&file, "Private_Dirty:")
    };
    figure("pool_memory", PEER, "idle-worker", "bytes", pool.worker_pids().iter().map(private).collect());
    let ticks = || {
        let of = |pid: u32| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("read");
            let fields: Vec<_> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
            fields[11].parse::<u64>().expect("user") + fields[12].parse::<u64>().expect("system")
        };
        pool.worker_pids().into_iter().chain([std::process::id()]).map(of).sum::<u64>()
    };
    let before = ticks();
    std::thread::sleep(Duration::from_secs(10));
    figure("pool_memory", PEER, "idle-cpu", "ms/10s", vec![(ticks() - before) as f64 * 10.0]);
    drop(pool);

    let pool = Pool::builder().processes(1).build().expect("a pool");
    let count = 10_000_000_u64;
    let resident = || kibibytes("/proc/self/status", "VmRSS:");
    let fds = || std::fs::read_dir("/proc/self/fd").expect("read").count();
    let begun: Begun = RawValue::new(AtomicU64::new(0)).expect("memory");
    let before = (resident(), fds());
    // while the one worker stands still
    let standing = pool.apply_async(stand_still, begun);
    let all = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let tell = std::iter::from_fn(|| {
            all.store(true, SeqCst);
            None
        });
        let queued = scope.spawn(|| pool.job(tiny).chunk_size(1).map((0..count).chain(tell)).is_err());
        while !all.load(SeqCst) {
            std::thread::sleep(Duration::from_millis(10));
        }
        figure("pool_memory", PEER, "queued-call", "bytes", vec![(resident() - before.0) / count as f64]);
        figure("pool_memory", PEER, "queued-calls-fds", "fds", vec![fds() as f64 - before.1 as f64]);
        pool.terminate();
        assert!(queued.join().expect("join"));
    });
    standing.get().expect_err("it is terminated");
}
