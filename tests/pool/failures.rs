//! Calls that have no result because they panic.
use carom::{Pool, PoolError, Process};

use crate::common::{stdout_of, watchdog};
use crate::stage::{Journal, note, pool_of, whoami};

/// Panics two lines below the one that it returns for no text.
#[carom::task]
fn panic_with(text: String) -> u32 {
    if text.is_empty() {
        return line!();
    }
    panic!("{text}");
}

#[carom::task]
fn panic_plainly() {
    panic!("plainly");
}

#[carom::task]
fn panic_oddly(how: u8) {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("again");
        }
    }
    match how {
        0 => std::panic::panic_any(7),
        1 => std::panic::panic_any(Bomb),
        2 => std::panic::resume_unwind(Box::new("no hook hears it")),
        3 => std::thread::spawn(|| panic!("in a thread")).join().expect("a thread that ends well"),
        _ => {
            std::panic::set_hook(Box::new(|_| {}));
            panic!("unheard of");
        }
    }
}

#[carom::test]
fn a_panic_tells_its_message_and_its_place() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    let line = pool.apply(panic_with, String::new()).expect("a line") + 2;
    let error = pool.apply(panic_with, "dead\nparrot".to_owned()).expect_err("a panic");
    let panic = error.panic().expect("a panic");
    assert_eq!(panic.message(), "dead\nparrot");
    assert_eq!(panic.location(), Some(("tests/pool/failures.rs", line, 5)));
    let place = format!("tests/pool/failures.rs:{line}:5");
    assert_eq!(error.to_string(), format!("task `pool::failures::panic_with` panicked: dead\nparrot at {place}"));
    assert_eq!(panic.to_string(), format!("dead\nparrot at {place}"));
    assert_eq!(format!("{error:?}"), error.to_string());
    assert!(error.worker_lost().is_none() && !error.is_codec() && !error.is_closed() && !error.is_terminated());
    let error = pool.apply(panic_plainly, ()).expect_err("a panic");
    assert_eq!(error.panic().map(carom::Panic::message), Some("plainly"));
}

#[carom::test]
fn panics_of_any_kind_cost_only_their_result() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    let worker = pool.apply(whoami, ()).expect("a pid");
    let messages = ["a payload that is no text", "a payload that is no text", "no hook hears it"];
    for (how, message) in (0..).zip(messages) {
        let error = pool.apply(panic_oddly, how).expect_err("a panic");
        let panic = error.panic().expect("a panic");
        assert_eq!(panic.message(), message);
        assert_eq!(panic.location().is_some(), how < 2, "{error}");
    }
    let error = pool.apply(panic_oddly, 3).expect_err("a panic");
    assert!(error.panic().expect("a panic").message().starts_with("a thread that ends well: "), "{error}");
    let error = pool.apply(panic_oddly, 4).expect_err("a panic");
    let panic = error.panic().expect("a panic");
    assert_eq!((panic.message(), panic.location()), ("unheard of", None));
    assert_eq!(error.to_string(), "task `pool::failures::panic_oddly` panicked: unheard of");
    assert_eq!(pool.apply(whoami, ()).expect("a pid"), worker);
}

#[carom::task]
fn print_backtrace() {
    let error = pool_of(1).apply(panic_with, "dead parrot".to_owned()).expect_err("a panic");
    print!("{}", error.panic().expect("a panic").backtrace().unwrap_or("none"));
}

#[carom::test]
fn a_panic_tells_the_call_stack_where_the_environment_asks_for_it() {
    let _watchdog = watchdog();
    let builder = || Process::builder().env_remove("RUST_LIB_BACKTRACE");
    let (text, status) = stdout_of(builder().env("RUST_BACKTRACE", "1"), print_backtrace, ());
    assert!(status.success() && text.contains("panic_with>::call"), "{text}");
    let (text, status) = stdout_of(builder().env_remove("RUST_BACKTRACE"), print_backtrace, ());
    assert!(status.success());
    assert_eq!(text, "none");
}

#[carom::task]
fn not_the_third(x: u64) -> u64 {
    assert!(x % 3 != 2, "{x} is a third");
    x + 1
}

#[carom::task]
fn not_a_third_text(x: u64) -> String {
    assert!(x % 3 != 2, "{x} is a third");
    x.to_string()
}

#[carom::test]
fn panics_within_chunks_leave_the_other_results_where_they_are() {
    let _watchdog = watchdog();
    let pool = pool_of(2);
    for size in [1, 7, 1000] {
        let numbers = pool.job(not_the_third).chunk_size(size).imap(0..30).collect::<Vec<_>>();
        let texts = pool.job(not_a_third_text).chunk_size(size).imap(0..30).collect::<Vec<_>>();
        assert_eq!((numbers.len(), texts.len()), (30, 30));
        for (x, (number, text)) in (0..).zip(numbers.into_iter().zip(texts)) {
            if x % 3 != 2 {
                assert_eq!((number.expect("no third"), text.expect("no third")), (x + 1, x.to_string()));
                continue;
            }
            for error in [number.expect_err("a third"), text.expect_err("a third")] {
                assert_eq!(error.panic().map(carom::Panic::message), Some(&*format!("{x} is a third")));
            }
        }
    }
}

#[carom::task]
fn note_but_not_all(journal: std::path::PathBuf, number: u32) -> u32 {
    note(journal, number);
    assert!(!matches!(number, 30 | 60 | 61), "not {number}");
    number
}

#[carom::test]
fn map_gives_the_first_error_in_order_when_all_are_done() {
    let _watchdog = watchdog();
    let pool = pool_of(3);
    for size in [1, 7, 100] {
        let journal = Journal::new();
        // the last ones are the first to be done where the first are slow
        let inputs = (0..100).map(|number| (journal.path(), number));
        let error = pool.job(note_but_not_all).chunk_size(size).map(inputs).expect_err("some panic");
        assert_eq!(error.panic().map(carom::Panic::message), Some("not 30"));
        assert_eq!(journal.lines().len(), 100, "all are done");
    }
}

#[carom::test]
fn a_pool_of_no_processes_is_refused() {
    let error = Pool::builder().processes(0).build().expect_err("none");
    assert!(matches!(error, PoolError::NoProcesses));
    assert_eq!(error.to_string(), "a pool needs one process at least");
}
