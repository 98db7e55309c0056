//! Calls that are begun again because their workers were lost.
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use carom::{Fd, TaskError};

use crate::common::{LONG, watchdog, watchdog_after};
use crate::losses::{all_stand, die};
use crate::stage::{Journal, Stage, pool_of, signal, stand, write_down};

/// Writes its number down, and ends the worker unless it has done so as often as it is to.
fn stumble(journal: &PathBuf, number: u32, times: usize) -> u32 {
    write_down(journal, number);
    let begun = std::fs::read_to_string(journal).expect("read");
    if begun.lines().filter(|line| **line == *number.to_string()).count() <= times {
        die(if number.is_multiple_of(2) { "kill" } else { "5" }.to_owned());
    }
    number
}

#[carom::task(retries = 2)]
fn stumble_twice(journal: PathBuf, number: u32, times: usize) -> u32 {
    stumble(&journal, number, times)
}

#[carom::task]
fn stumble_once(journal: PathBuf, number: u32, times: usize) -> u32 {
    stumble(&journal, number, times)
}

#[carom::task]
fn stumble_and_tell(journal: PathBuf, number: u32, times: usize) -> String {
    stumble(&journal, number, times).to_string()
}

#[track_caller]
fn lost_after(error: &TaskError, attempts: u32) {
    let lost = error.worker_lost().unwrap_or_else(|| panic!("{error}"));
    assert_eq!(lost.attempts(), attempts, "{error}");
    let told = error.to_string().contains(&format!(", at attempt {attempts}"));
    assert_eq!(told, attempts > 1, "{error}");
}

#[carom::test]
fn a_call_is_begun_again_as_often_as_its_task_says() {
    let _watchdog = watchdog();
    let (pool, journal) = (pool_of(2), Journal::new());
    for times in 0..=2 {
        let number = times as u32;
        let result = pool.apply_async(stumble_twice, (journal.path(), number, times));
        assert!(result.wait(Duration::MAX));
        assert_eq!(result.retries(), number);
        assert_eq!(result.get().expect("at last"), number);
        assert_eq!(journal.times(number), times + 1);
    }
    let result = pool.apply_async(stumble_twice, (journal.path(), 7, 3));
    assert!(result.wait(Duration::MAX));
    assert_eq!(result.retries(), 2);
    lost_after(&result.get().expect_err("three times"), 3);
    assert_eq!(journal.times(7), 3);
    lost_after(&pool.apply(stumble_once, (journal.path(), 8, 1)).expect_err("once"), 1);
    assert_eq!(journal.times(8), 1);
    all_stand(&pool);
}

#[carom::test]
fn what_a_call_says_of_retries_holds_in_place_of_what_the_task_says() {
    let _watchdog = watchdog();
    let (pool, journal) = (pool_of(1), Journal::new());
    let job = || pool.job(stumble_twice);
    lost_after(&job().retries(0).apply((journal.path(), 0, 9)).expect_err("given up"), 1);
    lost_after(&job().retries(1).apply((journal.path(), 1, 9)).expect_err("given up"), 2);
    lost_after(&job().apply((journal.path(), 2, 9)).expect_err("given up"), 3);
    lost_after(&job().retries(5).apply((journal.path(), 3, 9)).expect_err("given up"), 6);
    assert_eq!([0, 1, 2, 3].map(|number| journal.times(number)), [1, 2, 3, 6]);
    assert_eq!(pool.job(stumble_once).retries(u32::MAX).apply((journal.path(), 4, 5)).expect("at last"), 4);
    assert_eq!(journal.times(4), 6);
}

#[carom::test]
fn of_a_chunk_only_the_call_that_was_lost_is_begun_again() {
    let _watchdog = watchdog_after(2 * LONG);
    let pool = pool_of(2);
    // the first, the last, and two in a row
    let times = |number: u32| match number {
        0 | 59 => 1,
        30 => 2,
        31 => 1,
        _ => 0_usize,
    };
    for size in [1, 7, 60] {
        for texts in [false, true] {
            let journal = Journal::new();
            let inputs = (0..60).map(|number| (journal.path(), number, times(number)));
            let results: Vec<u32> = if texts {
                let texts = pool.job(stumble_and_tell).retries(2).chunk_size(size).map(inputs).expect("all");
                texts.into_iter().map(|text| text.parse().expect("a number")).collect()
            } else {
                let mut results = pool.job(stumble_twice).chunk_size(size).imap(inputs);
                let all = results.by_ref().map(|result| result.expect("at last")).collect();
                assert_eq!(results.retries(), 5);
                all
            };
            assert_eq!(results, (0..60).collect::<Vec<_>>());
            assert!((0..60).all(|number| journal.times(number) == times(number) + 1), "chunks of {size}");
        }
    }
}

#[carom::test]
fn in_a_chunk_a_call_that_is_given_up_costs_no_other_its_retries() {
    let _watchdog = watchdog();
    let pool = pool_of(2);
    for size in [1, 20] {
        let journal = Journal::new();
        let times = |number: u32| if number == 5 { 9 } else { usize::from(number > 5 && number < 9) };
        let inputs = || (0..20).map(|number| (journal.path(), number, times(number)));
        let results = pool.job(stumble_twice).retries(1).chunk_size(size).imap_unordered(inputs());
        let (mut done, mut lost) = (Vec::new(), Vec::new());
        for result in results {
            match result {
                Ok(number) => done.push(number),
                Err(error) => lost.push(error),
            }
        }
        done.sort_unstable();
        assert_eq!(done, (0..20).filter(|number| *number != 5).collect::<Vec<_>>());
        assert_eq!(lost.len(), 1);
        assert_eq!(lost[0].index(), Some(5));
        lost_after(&lost[0], 2);
        let error = pool.job(stumble_twice).retries(0).chunk_size(size).map(inputs()).expect_err("one is lost");
        assert_eq!(error.index(), Some(5), "the others have been made before");
    }
}

/// Adds a line to an open file, and ends the worker unless there are as many as there are to be.
#[carom::task(retries = 3)]
fn add_and_stumble(file: Fd<File>, path: PathBuf, times: usize) -> Fd<File> {
    writeln!(&*file, "line").expect("write");
    if std::fs::read_to_string(path).expect("read").lines().count() <= times {
        die("kill".to_owned());
    }
    file
}

#[carom::test]
fn a_call_that_is_begun_again_has_its_descriptors() {
    let _watchdog = watchdog();
    let pool = pool_of(2);
    let open = |journal: &Journal| Fd(File::options().append(true).open(&journal.0).expect("open"));
    let journal = Journal::new();
    let file = pool.apply(add_and_stumble, (open(&journal), journal.path(), 3)).expect("at last");
    writeln!(&*file, "line").expect("it is still open");
    assert_eq!(journal.times("line"), 5);
    let error = pool.apply(add_and_stumble, (open(&journal), journal.path(), 99)).expect_err("given up");
    lost_after(&error, 4);
    for size in [1, 10] {
        let journals: Vec<Journal> = (0..10).map(|_| Journal::new()).collect();
        let inputs = journals.iter().zip(0..).map(|(journal, i)| (open(journal), journal.path(), i % 3));
        let files = pool.job(add_and_stumble).chunk_size(size).map(inputs).expect("at last");
        for ((journal, file), i) in journals.iter().zip(files).zip(0..) {
            writeln!(&*file, "line").expect("it is still open");
            assert_eq!(journal.times("line"), i % 3 + 2);
        }
    }
}

/// The length of a text that is too long for the memory that workers share.
#[carom::task(retries = 1)]
fn length_at_second_sight(journal: PathBuf, text: String) -> usize {
    stumble(&journal, 1, 1);
    text.len()
}

#[carom::task]
fn length_or_death(text: String) -> usize {
    if text == "kill" {
        die(text.clone());
    }
    text.len()
}

#[carom::test]
fn a_call_that_is_begun_again_has_its_long_input() {
    let _watchdog = watchdog();
    let (pool, journal) = (pool_of(1), Journal::new());
    let text = "x".repeat(9 << 20);
    assert_eq!(pool.apply(length_at_second_sight, (journal.path(), text.clone())).expect("at last"), 9 << 20);
    assert_eq!(journal.times(1), 2);
    // and so has one that another call was in a chunk with
    let inputs = ["kill".to_owned(), text, String::new()];
    let results: Vec<_> = pool.job(length_or_death).chunk_size(3).imap(inputs).collect();
    assert!(results[0].as_ref().is_err_and(|error| error.worker_lost().is_some()));
    let lengths = results[1..].iter().map(|result| *result.as_ref().expect("a length"));
    assert!(lengths.eq([9 << 20, 0]));
}

#[carom::task(retries = 3)]
fn note_and_fail(journal: PathBuf, how: String) {
    write_down(&journal, &how);
    match &*how {
        "panic" => panic!("on purpose"),
        _ => loop {
            std::thread::park();
        },
    }
}

#[carom::test]
fn what_panics_or_takes_too_long_is_not_begun_again() {
    let _watchdog = watchdog();
    let (pool, journal) = (pool_of(1), Journal::new());
    let result = pool.apply_async(note_and_fail, (journal.path(), "panic".to_owned()));
    assert!(result.wait(Duration::MAX));
    assert_eq!(result.retries(), 0);
    assert!(result.get().expect_err("a panic").panic().is_some());
    let limit = Duration::from_secs(2);
    let result = pool.job(note_and_fail).timeout(limit).apply_async((journal.path(), "hang".to_owned()));
    assert!(result.wait(Duration::MAX));
    assert_eq!(result.retries(), 0);
    assert_eq!(result.get().expect_err("it hangs").time_limit_exceeded(), Some(limit));
    assert_eq!((journal.times("panic"), journal.times("hang")), (1, 1));
}

#[carom::test]
fn a_standing_call_whose_workers_are_killed_from_outside_comes_on_the_stage_again() {
    let _watchdog = watchdog();
    let (pool, journal) = (pool_of(1), Journal::new());
    let mut stage = Stage::new();
    let standing = pool.job(stand).retries(3).apply_async(stage.part());
    let mut pids = vec![stage.next()];
    // behind it, and without retries: a death before they have begun is none of theirs
    let behind: Vec<_> = (0..10).map(|number| pool.apply_async(crate::stage::note, (journal.path(), number))).collect();
    for deaths in 1..=3 {
        signal(pids[deaths - 1], libc::SIGKILL);
        pids.push(stage.next());
        assert_eq!(standing.retries(), deaths as u32);
    }
    stage.open();
    assert_eq!(standing.get().expect("the fourth time"), pids[3]);
    for (number, result) in (0..).zip(behind) {
        assert_eq!((result.get().expect("done"), journal.times(number)), (number, 1));
    }
    pids.sort_unstable();
    pids.dedup();
    assert_eq!(pids.len(), 4);
}
