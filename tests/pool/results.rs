//! Results that come later, to those who ask.
use std::sync::Barrier;
use std::time::{Duration, Instant};

use carom::AsyncResult;

use crate::common::watchdog;
use crate::stage::{Journal, Stage, note, pool_of, square, stand};

#[carom::test]
fn a_result_can_be_waited_for_and_asked_for_again() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    let mut stage = Stage::new();
    let result = pool.apply_async(stand, stage.part());
    let worker = stage.next();
    assert!(!result.ready());
    assert!(!result.wait(Duration::ZERO));
    for timeout in [0, 20] {
        let (start, timeout) = (Instant::now(), Duration::from_millis(timeout));
        let error = result.get_timeout(timeout).expect_err("it stands");
        assert!(start.elapsed() >= timeout);
        assert!(error.is_timeout() && !error.is_terminated() && !error.is_closed() && !error.is_codec());
        assert_eq!(error.to_string(), "the result of task `pool::stage::stand` is not there yet");
        assert_eq!(error.task(), "pool::stage::stand");
    }
    let (start, timeout) = (Instant::now(), Duration::from_millis(20));
    assert!(!result.wait(timeout));
    assert!(start.elapsed() >= timeout);
    assert_eq!(format!("{result:?}"), "AsyncResult { task: \"pool::stage::stand\", ready: false }");
    stage.open();
    assert!(result.wait(Duration::MAX));
    assert!(result.ready() && result.wait(Duration::ZERO));
    assert_eq!(result.get_timeout(Duration::ZERO).expect("it is there"), worker);
    let error = result.get_timeout(Duration::MAX).expect_err("once");
    assert!(!error.is_timeout());
    assert_eq!(error.to_string(), "the result of task `pool::stage::stand` has been taken already");
    assert!(result.ready());
    assert!(result.get().is_err());
}

#[carom::test]
fn several_threads_may_wait_for_one_result() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    for _ in 0..20 {
        let mut stage = Stage::new();
        let result = pool.apply_async(stand, stage.part());
        let worker = stage.next();
        let all_here = Barrier::new(9);
        std::thread::scope(|scope| {
            let waiting = [(); 4].map(|()| {
                scope.spawn(|| {
                    all_here.wait();
                    result.wait(Duration::MAX)
                })
            });
            let taking = [(); 4].map(|()| {
                scope.spawn(|| {
                    all_here.wait();
                    // its end must not be the end of the others' patience
                    let _ = result.wait(Duration::from_micros(300));
                    result.get_timeout(Duration::MAX)
                })
            });
            all_here.wait();
            assert!(!result.wait(Duration::from_millis(2)));
            stage.open();
            for thread in waiting {
                assert!(thread.join().expect("thread"));
            }
            let taken = taking.map(|thread| thread.join().expect("thread"));
            let (ok, err): (Vec<_>, Vec<_>) = taken.into_iter().partition(Result::is_ok);
            assert_eq!(ok.into_iter().map(|pid| pid.expect("a pid")).collect::<Vec<_>>(), [worker]);
            for error in err {
                let text = error.expect_err("partitioned").to_string();
                assert_eq!(text, "the result of task `pool::stage::stand` has been taken already");
            }
        });
    }
}

#[carom::test]
fn a_dropped_handle_does_not_stop_its_call() {
    let _watchdog = watchdog();
    let (pool, journal) = (pool_of(1), Journal::new());
    for number in 0..50 {
        drop(pool.apply_async(note, (journal.path(), number)));
    }
    pool.join();
    assert_eq!(journal.lines(), (0..50).map(|number| number.to_string()).collect::<Vec<_>>());
}

#[carom::test]
fn handles_can_be_waited_for_in_any_order() {
    let _watchdog = watchdog();
    let pool = pool_of(2);
    let results: Vec<AsyncResult<u64>> = (0..200).map(|x| pool.apply_async(square, x)).collect();
    for (x, result) in results.into_iter().enumerate().rev() {
        assert_eq!(result.get().expect("a number"), (x * x) as u64);
    }
}
