//! Calls behind a slow one: what a quick beginning of a map must not change.
use crate::common::watchdog;
use crate::stage::{Journal, Stage, note_and_play, pool_of, square};

#[carom::test]
fn nothing_is_begun_behind_a_standing_call_when_its_iterator_is_dropped() {
    let _watchdog = watchdog();
    let (pool, journal) = (pool_of(1), Journal::new());
    let mut stage = Stage::new();
    let mut part = Some(stage.part());
    let inputs = (0..).map(|i| (journal.path(), i, if i == 500 { part.take() } else { None }));
    let mut results = pool.imap(note_and_play, inputs);
    for i in 0..500 {
        assert_eq!(results.next().expect("endless").expect("a number"), i);
    }
    stage.next();
    drop(results);
    stage.open();
    assert_eq!(pool.apply(square, 2).expect("a square"), 4);
    assert_eq!(journal.lines().len(), 501, "{:?}", journal.lines().last());
}

#[carom::test]
fn no_call_waits_for_a_standing_one_while_a_worker_is_free() {
    let _watchdog = watchdog();
    let (pool, journal) = (pool_of(2), Journal::new());
    let mut stage = Stage::new();
    let mut part = Some(stage.part());
    let inputs = (0..532).map(|i| (journal.path(), i, if i == 500 { part.take() } else { None }));
    let mut results = pool.imap_unordered(note_and_play, inputs);
    let others = results.by_ref().take(531).map(|number| number.expect("a number")).collect::<Vec<_>>();
    assert!(!others.contains(&500));
    stage.next();
    stage.open();
    assert_eq!(results.next().expect("one more").expect("a number"), 500);
}
