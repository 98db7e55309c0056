//! Workers that make a number of calls and no more.
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{PipeReader, Read};
use std::path::PathBuf;
use std::time::Duration;

use carom::{Fd, Pool, Process, active_children};

use crate::common::{LONG, alone, descriptors, eventually, watchdog, watchdog_after, zombies};
use crate::losses::die;
use crate::stage::{Journal, Stage, note_and_play, runs, signal, square, stand, whoami, write_down};

fn recycled(processes: usize, most: u64) -> Pool {
    Pool::builder().processes(processes).max_tasks_per_child(most).build().expect("a pool")
}

/// Writes down its number and its pid, and does as it is told.
#[carom::task]
fn work(journal: PathBuf, number: u32, how: String) -> String {
    write_down(&journal, format_args!("{number} {}", std::process::id()));
    match &*how {
        "" => number.to_string(),
        "panic" => panic!("on purpose"),
        how => die(how.to_owned()).to_string(),
    }
}

/// How many calls each process has made, when each of them was made once.
#[track_caller]
fn calls_of_each(journal: &Journal, count: u32) -> BTreeMap<u32, u64> {
    let mut calls = BTreeMap::new();
    let mut numbers: Vec<u32> = Vec::new();
    for line in journal.lines() {
        let (number, pid) = line.split_once(' ').expect("two numbers");
        numbers.push(number.parse().expect("a number"));
        *calls.entry(pid.parse().expect("a pid")).or_default() += 1;
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..count).collect::<Vec<_>>(), "each is made once");
    calls
}

#[carom::test]
fn each_worker_makes_as_many_calls_as_it_is_to_whatever_the_chunks() {
    let _watchdog = watchdog_after(3 * LONG);
    for (processes, most, count) in [(1, 1, 12), (2, 1, 20), (2, 3, 50), (1, 100, 250), (2, 100, 450)] {
        for size in [1, 7, 1000] {
            let (pool, journal) = (recycled(processes, most), Journal::new());
            let inputs = (0..count).map(|number| (journal.path(), number, String::new()));
            let results = pool.job(work).chunk_size(size).map(inputs).expect("all are done");
            assert!(results.into_iter().eq((0..count).map(|number| number.to_string())), "in order");
            let calls = calls_of_each(&journal, count);
            let fewer = calls.values().filter(|calls| **calls < most).count();
            assert!(calls.values().all(|calls| *calls <= most), "{calls:?}");
            assert!(fewer <= processes, "{fewer} made fewer than {most}: {calls:?}");
        }
    }
}

#[carom::test]
fn numbers_and_single_calls_go_on_elsewhere_as_well() {
    let _watchdog = watchdog_after(2 * LONG);
    for most in [1, 3] {
        let pool = recycled(2, most);
        for size in [1, 7, 1000] {
            let squares = pool.job(square).chunk_size(size).map(0..50).expect("squares");
            assert!(squares.into_iter().eq((0..50).map(|x| x * x)));
        }
        let mut last = (0, 0);
        for _ in 0..20 {
            let pid = pool.apply(whoami, ()).expect("a pid");
            last = if last.0 == pid { (pid, last.1 + 1) } else { (pid, 1) };
            assert!(last.1 <= most);
        }
        let results: Vec<_> = (0..40).map(|x| pool.apply_async(square, x)).collect();
        for (x, result) in (0..).zip(results) {
            assert_eq!(result.get().expect("a square"), x * x);
        }
        let mut squares: Vec<u64> = pool.imap_unordered(square, 0..40).map(|x| x.expect("a square")).collect();
        squares.sort_unstable();
        assert!(squares.into_iter().eq((0..40).map(|x| x * x)));
    }
}

#[carom::test]
fn a_closed_pool_starts_others_for_what_is_left() {
    let _watchdog = watchdog_after(2 * LONG);
    for (processes, most) in [(1, 1), (2, 1), (2, 3)] {
        let (pool, journal) = (recycled(processes, most), Journal::new());
        let mut stage = Stage::new();
        let standing: Vec<_> = (0..processes).map(|_| pool.apply_async(stand, stage.part())).collect();
        let results: Vec<_> = (0..30).map(|i| pool.apply_async(work, (journal.path(), i, String::new()))).collect();
        let _: Vec<u32> = standing.iter().map(|_| stage.next()).collect();
        pool.close();
        stage.open();
        pool.join();
        assert!(standing.into_iter().all(|result| result.get_timeout(Duration::ZERO).is_ok()));
        for (number, result) in (0..).zip(results) {
            assert_eq!(result.get_timeout(Duration::ZERO).expect("done"), number.to_string());
        }
        assert!(calls_of_each(&journal, 30).values().all(|calls| *calls <= most));
        assert_eq!(pool.worker_pids(), []);
    }
}

#[carom::test]
fn calls_that_panic_count_and_those_that_kill_cost_themselves() {
    let _watchdog = watchdog_after(3 * LONG);
    for most in [1, 3] {
        for size in [1, 7, 1000] {
            let (pool, journal) = (recycled(2, most), Journal::new());
            let how = |number: u32| match number % 10 {
                3 => "panic",
                5 => "kill",
                6 => "0",
                _ => "",
            };
            let inputs = (0..30).map(|number| (journal.path(), number, how(number).to_owned()));
            let results: Vec<_> = pool.job(work).chunk_size(size).imap(inputs).collect();
            assert_eq!(results.len(), 30);
            for (number, result) in (0..).zip(results) {
                match (how(number), result) {
                    ("", result) => assert_eq!(result.expect("done"), number.to_string()),
                    ("panic", Err(error)) => assert!(error.panic().is_some(), "{error}"),
                    (_, Err(error)) => {
                        let status = error.worker_lost().unwrap_or_else(|| panic!("{error}")).status();
                        assert!(status.signal() == Some(libc::SIGKILL) || status.code() == Some(0), "{error}");
                    }
                    (how, Ok(_)) => panic!("{number} was to {how}"),
                }
            }
            assert!(calls_of_each(&journal, 30).values().all(|calls| *calls <= most));
        }
    }
}

#[carom::test]
fn calls_behind_a_standing_one_after_which_its_worker_retires_are_made_once() {
    let _watchdog = watchdog();
    for kills in [false, true] {
        let (pool, journal) = (recycled(1, 1), Journal::new());
        let mut stage = Stage::new();
        let first = pool.apply_async(note_and_play, (journal.path(), 1000, Some(stage.part())));
        let worker = stage.next();
        let queued: Vec<_> = (0..30).map(|i| pool.apply_async(note_and_play, (journal.path(), i, None))).collect();
        if kills {
            signal(worker, libc::SIGKILL);
        }
        stage.open();
        assert_eq!(first.get().is_err(), kills);
        for (number, result) in (0..).zip(queued) {
            assert_eq!((result.get().expect("made elsewhere"), journal.times(number)), (number, 1));
        }
    }
}

/// What takes another way than a short reply does.
#[carom::task]
fn long_text(number: u8) -> String {
    char::from(b'a' + number).to_string().repeat(3 << 20)
}

#[carom::task]
fn same_file(file: Fd<File>) -> Fd<File> {
    file
}

#[carom::test]
fn long_replies_and_descriptors_of_a_workers_last_call_arrive() {
    let _watchdog = watchdog_after(2 * LONG);
    for most in [1, 2] {
        let pool = recycled(2, most);
        for size in [1, 5] {
            let texts = pool.job(long_text).chunk_size(size).map(0..10).expect("texts");
            assert!((b'a'..).zip(texts).all(|(c, text)| text.len() == 3 << 20 && text.bytes().all(|b| b == c)));
            let journals: Vec<_> = (0..10).map(|_| Journal::new()).collect();
            let files = journals.iter().map(|journal| Fd(File::options().append(true).open(&journal.0).expect("open")));
            let files = pool.job(same_file).chunk_size(size).map(files.collect::<Vec<_>>()).expect("files");
            for (mut file, journal) in files.into_iter().zip(journals) {
                std::io::Write::write_all(&mut *file, b"it is the one\n").expect("write");
                assert_eq!(journal.times("it is the one"), 1);
            }
        }
        // none is read before all have ended
        let texts: Vec<_> = (0..10).map(|number| pool.apply_async(long_text, number)).collect();
        pool.join();
        assert!(texts.into_iter().all(|text| text.get().expect("it is there").len() == 3 << 20));
    }
}

#[carom::task]
fn stay(mut gate: Fd<PipeReader>) {
    gate.read_to_end(&mut Vec::new()).expect("wait");
}

/// Starts a process that its worker waits for at its end.
#[carom::task]
fn leave_a_process(gate: Fd<PipeReader>) -> u32 {
    drop(Process::builder().daemon(false).spawn(stay, gate).expect("spawn"));
    std::process::id()
}

#[carom::test]
fn a_worker_that_cannot_end_yet_has_replied_and_keeps_no_place() {
    let _watchdog = watchdog();
    let pool = recycled(2, 1);
    for _ in 0..10 {
        let (gate, hold) = std::io::pipe().expect("pipe");
        let gates = (0..10).map(|_| Fd(gate.try_clone().expect("clone")));
        let mut pids = pool.job(leave_a_process).chunk_size(1).map(gates.collect::<Vec<_>>()).expect("pids");
        assert!(pids.iter().all(|pid| runs(*pid)), "they wait for what they have started");
        drop(hold);
        eventually("they are gone", || !pids.iter().any(|pid| runs(*pid)));
        pids.dedup();
        assert_eq!(pids.len(), 10);
    }
}

/// In a process of its own, where no other test has anything open.
#[carom::task]
fn recycle_many() {
    let open = || descriptors("self").into_iter().filter(|(_, what)| !what.contains("/fd")).count();
    // what is opened once and kept
    drop(recycled(1, 1));
    let before = open();
    let pool = recycled(2, 5);
    // it may hold one spare for each worker, and what it needs for those
    let rests = || active_children().len() <= 4 && zombies().is_empty() && pool.worker_pids().len() == 2;
    for _ in 0..6 {
        let squares = pool.job(square).chunk_size(3).map(0..100).expect("squares");
        assert!(squares.into_iter().eq((0..100).map(|x| x * x)));
        eventually("there are no more workers than are needed", rests);
        eventually("no more files are open than are needed", || open() <= before + 4 + 4 * 8);
    }
    pool.join();
    assert!(zombies().is_empty() && active_children().is_empty());
    drop(pool);
    assert_eq!(open(), before);
}

#[carom::test]
fn recycled_workers_leave_no_zombie_and_no_descriptor_behind() {
    let _watchdog = watchdog_after(2 * LONG);
    alone(recycle_many, ());
}

#[carom::test]
#[should_panic(expected = "a worker makes one call at least")]
fn workers_that_make_no_call_are_refused() {
    let _ = Pool::builder().max_tasks_per_child(0);
}
