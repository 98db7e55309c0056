//! Many calls at once: `map` and the iterators, whole or cut into chunks.
use std::sync::atomic::{AtomicUsize, Ordering};

use carom::{Pool, Process};

use crate::common::{LONG, watchdog, watchdog_after};
use crate::stage::{Journal, Stage, note, pool_of, square, stand, twice, whoami};

#[carom::task]
fn power(base: u64, exponent: u32) -> u64 {
    base.pow(exponent)
}

#[carom::task]
fn length(text: String) -> u32 {
    text.len() as u32
}

#[carom::task]
fn spelled(number: u16) -> String {
    number.to_string()
}

#[carom::test]
fn map_gives_all_results_in_order() {
    let _watchdog = watchdog();
    let pool = pool_of(3);
    for count in [0, 1, 2, 11, 1000] {
        let squares: Vec<u64> = (0..count).map(|x| x * x).collect();
        assert_eq!(pool.map(square, 0..count).expect("squares"), squares);
        // no exact size is known of these
        assert_eq!(pool.map(square, (0..2 * count).filter(|x| *x < count)).expect("squares"), squares);
        assert_eq!(pool.map(square, (0..).take_while(|x| *x < count)).expect("squares"), squares);
        assert_eq!(pool.map(square, (0..count).collect::<Vec<_>>()).expect("squares"), squares);
    }
    assert_eq!(pool.map(power, [(2, 10), (3, 2), (7, 0)]).expect("powers"), [1024, 9, 1]);
    assert_eq!(pool.map(twice, ["a".to_owned(), String::new()]).expect("texts"), ["aa", ""]);
    assert_eq!(pool.map(whoami, [(); 20]).expect("pids").len(), 20);
    assert_eq!(pool.map(square, []).expect("nothing"), []);
}

#[carom::test]
fn chunks_of_any_size_give_the_same_results() {
    let _watchdog = watchdog();
    let pool = pool_of(2);
    let texts = || (0..100_u16).map(|number| number.to_string());
    for size in [1, 7, 99, 100, 101, 100_000, usize::MAX] {
        // numbers to numbers, numbers to texts, texts to numbers, texts to texts
        assert!(
            pool.job(square).chunk_size(size).map(0..100).expect("squares").into_iter().eq((0..100).map(|x| x * x))
        );
        assert!(pool.job(spelled).chunk_size(size).map(0..100).expect("texts").into_iter().eq(texts()));
        let lengths = pool.job(length).chunk_size(size).map(texts()).expect("lengths");
        assert!(lengths.into_iter().eq(texts().map(|text| text.len() as u32)));
        let ordered = pool.job(twice).chunk_size(size).imap(texts());
        assert!(ordered.map(|text| text.expect("a text")).eq(texts().map(|text| text.repeat(2))));
        let unordered = pool.job(square).chunk_size(size).imap_unordered(0..100);
        let mut squares: Vec<u64> = unordered.map(|x| x.expect("a square")).collect();
        squares.sort_unstable();
        assert!(squares.into_iter().eq((0..100).map(|x| x * x)));
    }
}

#[carom::test]
#[should_panic(expected = "a chunk is of one call at least")]
fn chunks_of_nothing_are_refused() {
    let pool = pool_of(1);
    let _ = pool.job(square).chunk_size(0);
}

#[carom::task]
fn first_and_length(text: String) -> (char, usize, u32) {
    (text.chars().next().expect("a character"), text.len(), std::process::id())
}

#[carom::test]
fn chunks_of_large_inputs_are_cut() {
    let _watchdog = watchdog_after(2 * LONG);
    let pool = pool_of(2);
    let texts = (0..26_u8).map(|i| char::from(b'a' + i).to_string().repeat((400 << 10) + usize::from(i)));
    let mut stage = Stage::new();
    // one worker stands still; what is cut can all be done by the other
    let standing = pool.apply_async(stand, stage.part());
    let worker = stage.next();
    let answers: Vec<_> = pool.job(first_and_length).chunk_size(1000).imap(texts).collect();
    assert_eq!(answers.len(), 26);
    for (i, answer) in answers.into_iter().enumerate() {
        let (first, bytes, pid) = answer.expect("an answer");
        assert_eq!((first, bytes), (char::from(b'a' + i as u8), (400 << 10) + i));
        assert_ne!(pid, worker);
    }
    stage.open();
    assert_eq!(standing.get().expect("a pid"), worker);
}

/// Comes on the stage if it has a part.
#[carom::task]
fn play(part: Option<crate::stage::Part>, text: String) -> (u32, usize) {
    if let Some((told, gate)) = part {
        stand(told, gate);
    }
    (std::process::id(), text.len())
}

#[carom::test]
fn a_chunk_that_was_cut_is_shared_by_the_workers() {
    let _watchdog = watchdog();
    let pool = pool_of(2);
    let mut stage = Stage::new();
    // the first and the last must stand at the same time, so they are not in one request
    let inputs: Vec<_> = (0..8).map(|i| ((i == 0 || i == 7).then(|| stage.part()), "x".repeat(600 << 10))).collect();
    std::thread::scope(|scope| {
        let answers = scope.spawn(|| pool.job(play).chunk_size(8).map(inputs).expect("answers"));
        assert_ne!(stage.next(), stage.next());
        stage.open();
        let answers = answers.join().expect("thread");
        assert_eq!(answers.len(), 8);
        assert_ne!(answers[0].0, answers[7].0);
    });
}

#[carom::test]
fn a_thousand_results_come_in_order_or_as_they_are_there() {
    let _watchdog = watchdog();
    let pool = pool_of(3);
    assert!(pool.imap(square, 0..1000).map(|x| x.expect("a square")).eq((0..1000).map(|x| x * x)));
    let mut squares: Vec<u64> = pool.imap_unordered(square, 0..1000).map(|x| x.expect("a square")).collect();
    squares.sort_unstable();
    assert!(squares.into_iter().eq((0..1000).map(|x| x * x)));
    let mut nothing = pool.imap(square, []);
    assert!(nothing.next().is_none() && nothing.next().is_none());
}

#[carom::test]
fn without_order_a_quick_call_overtakes_a_slow_one() {
    let _watchdog = watchdog();
    let pool = pool_of(2);
    let mut stage = Stage::new();
    let slow = (Some(stage.part()), "s".to_owned());
    let quick = (1..=5).map(|i| (None, "q".repeat(i + 1)));
    let mut results = pool.imap_unordered(play, std::iter::once(slow).chain(quick));
    let mut lengths: Vec<usize> = results.by_ref().take(5).map(|result| result.expect("a result").1).collect();
    lengths.sort_unstable();
    assert_eq!(lengths, [2, 3, 4, 5, 6]);
    let worker = stage.next();
    stage.open();
    assert_eq!(results.next().expect("one more").expect("a result"), (worker, 1));
    assert!(results.next().is_none());
}

#[carom::task]
fn not_seven(x: u64) -> u64 {
    assert_ne!(x % 10, 7);
    x
}

#[carom::test]
fn errors_tell_which_input_they_belong_to() {
    let _watchdog = watchdog();
    let pool = pool_of(2);
    for size in [1, 4, 100] {
        let results = pool.job(not_seven).chunk_size(size).imap_unordered(0..30);
        let mut failed: Vec<_> = results.filter_map(|result| result.err()?.index()).collect();
        failed.sort_unstable();
        assert_eq!(failed, [7, 17, 27]);
        let error = pool.job(not_seven).chunk_size(size).map(10..30).expect_err("seventeen");
        assert_eq!(error.index(), Some(7));
        assert!(error.to_string().ends_with("(input 7)"), "{error}");
    }
    assert_eq!(pool.apply(not_seven, 7).expect_err("seven").index(), None);
}

#[carom::test]
fn an_iterator_tells_how_many_results_there_will_be() {
    let _watchdog = watchdog();
    let pool = pool_of(2);
    let mut results = pool.job(square).chunk_size(3).imap(0..100);
    for left in (0..100).rev() {
        assert_eq!(results.size_hint(), (left + 1, Some(left + 1)));
        let _ = results.next().expect("a result").expect("a square");
    }
    assert_eq!(results.size_hint(), (0, Some(0)));
}

#[carom::test]
fn inputs_are_taken_only_as_results_are() {
    let _watchdog = watchdog();
    let pool = pool_of(2);
    // what the documentation calls "some calls for each worker"
    const SOME: usize = 2 * 64;
    for size in [1, 3, 50] {
        let taken = AtomicUsize::new(0);
        let endless = || {
            (0_u64..).inspect(|_| {
                taken.fetch_add(1, Ordering::Relaxed);
            })
        };
        let most = SOME.max(2 * 2 * size);
        let mut ordered = pool.job(square).chunk_size(size).imap(endless());
        assert_eq!(taken.load(Ordering::Relaxed), 0, "nobody has asked for a result");
        for given in 1..=300 {
            let _ = ordered.next().expect("endless").expect("a square");
            let ahead = taken.load(Ordering::Relaxed) - given;
            assert!(ahead <= most, "chunks of {size}: {ahead} ahead");
        }
        drop(ordered);
        taken.store(0, Ordering::Relaxed);
        for (given, result) in pool.job(square).chunk_size(size).imap_unordered(endless()).take(300).enumerate() {
            let _ = result.expect("a square");
            assert!(taken.load(Ordering::Relaxed) - given <= most + size);
        }
    }
}

#[carom::test]
fn calls_that_nobody_waits_for_any_more_are_not_begun() {
    let _watchdog = watchdog();
    for ordered in [true, false] {
        let (pool, journal) = (pool_of(1), Journal::new());
        let inputs = |numbers: std::ops::RangeFrom<u32>| numbers.map(|number| (journal.path(), number));
        let iterator: Box<dyn Iterator<Item = _>> = match ordered {
            true => Box::new(pool.imap(note, inputs(0..))),
            false => Box::new(pool.imap_unordered(note, inputs(0..))),
        };
        let first: Vec<u32> = iterator.take(5).map(|number| number.expect("a number")).collect();
        assert_eq!(first, [0, 1, 2, 3, 4]);
        // what comes later is done, and before it only what the worker had already
        assert_eq!(pool.apply(square, 2).expect("a square"), 4);
        assert!((5..=5 + 64).contains(&journal.lines().len()), "{:?}", journal.lines());
        pool.join();
    }
}

#[carom::test]
fn two_hundred_workers_work() {
    let _watchdog = watchdog_after(3 * LONG);
    let process = Process::spawn(with_two_hundred_workers, ()).expect("spawn");
    process.join().expect("join").exit_ok().expect("they do");
}

#[carom::task]
fn with_two_hundred_workers() {
    let pool: Pool = pool_of(200);
    assert_eq!(pool.map(square, 0..1000).expect("squares"), (0..1000).map(|x| x * x).collect::<Vec<_>>());
    let mut workers = pool.worker_pids();
    workers.sort_unstable();
    workers.dedup();
    assert_eq!(workers.len(), 200);
    let pids = pool.job(whoami).chunk_size(1).map([(); 1000]).expect("pids");
    assert!(pids.iter().all(|pid| workers.contains(pid)));
}
