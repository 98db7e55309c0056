//! Memory that nobody can use any more is used again, whoever had it last.
use carom::{Array, Connection, Pool, Process, Value, pipe};

use crate::common::{alone, descriptors, watchdog};
use crate::stage::{memory, memory_of};

const MEGA: usize = 1 << 20;

/// An array of ones.
fn ones(len: usize) -> Array<u8> {
    let array = Array::zeroed(len).expect("memory");
    array.lock().expect("free").fill(1);
    array
}

/// Whether the memory that is in use does not become more while something happens again and again.
#[track_caller]
fn comes_to_a_level(most: usize, mut round: impl FnMut()) {
    round();
    let open = descriptors("self").len();
    for i in 0..30 {
        round();
        assert!(memory() <= (most * MEGA) as u64, "{} bytes after round {i}", memory());
    }
    assert!(descriptors("self").len() <= open + 5, "{} and {open} are open", descriptors("self").len());
}

#[carom::task]
fn close_unread() {
    for (size, count) in [(100, 100), (MEGA, 10), (20 * MEGA, 2)] {
        comes_to_a_level(100, || {
            let (to, from) = pipe::<Array<u8>, Array<u8>>().expect("pipe");
            (0..count).for_each(|_| to.send(&ones(size)).expect("send"));
            drop(from);
        });
    }
}

#[carom::test]
fn messages_that_nobody_received_give_their_objects_back() {
    let _watchdog = watchdog();
    alone(close_unread, ());
}

#[carom::task]
fn take_and_wait(from: Connection<(), Vec<Array<u8>>>) {
    let arrays = from.recv().expect("arrays");
    from.send(&()).expect("send");
    let _ = from.recv();
    drop(arrays);
}

#[carom::task]
fn kill_receivers() {
    let kept = Value::new(7).expect("memory");
    for (size, count) in [(100, 200), (MEGA, 10), (20 * MEGA, 2)] {
        comes_to_a_level(100, || {
            let (ours, theirs) = pipe::<Vec<Array<u8>>, ()>().expect("pipe");
            let process = Process::spawn(take_and_wait, theirs).expect("spawn");
            let arrays: Vec<_> = (0..count).map(|_| ones(size)).collect();
            ours.send(&arrays).expect("send");
            drop(arrays);
            ours.recv().expect("it has them");
            process.kill().expect("kill");
            let _ = process.join().expect("join");
        });
    }
    assert_eq!(kept.get().expect("get"), 7);
}

#[carom::test]
fn processes_that_are_killed_give_their_objects_back() {
    let _watchdog = watchdog();
    alone(kill_receivers, ());
}

#[carom::task]
fn use_and_end(array: Array<u8>) {
    array.lock().expect("lock")[0] = 2;
}

#[carom::task]
fn give_away() {
    let pool = Pool::builder().processes(1).build().expect("a pool");
    for (size, count) in [(100, 200), (MEGA, 10), (20 * MEGA, 2)] {
        comes_to_a_level(60, || {
            for _ in 0..count {
                pool.apply(use_and_end, ones(size)).expect("it is used");
            }
        });
        let worker = descriptors(&pool.worker_pids()[0].to_string());
        assert!(worker.len() < 40, "{worker:?}");
    }
    // and at once where it is this process that has it last
    let before = memory();
    let array = ones(20 * MEGA);
    pool.apply(use_and_end, array.clone()).expect("it is used");
    assert_eq!(array.lock().expect("free")[..2], [2, 1]);
    drop(array);
    assert!(memory() <= before, "{} of {before}", memory());
    // though the worker keeps it mapped for a while
    let worker = memory_of(&pool.worker_pids()[0].to_string());
    assert!(worker <= before + MEGA as u64, "{worker} of {before}");
}

#[carom::test]
fn workers_that_have_objects_last_give_them_back() {
    let _watchdog = watchdog();
    alone(give_away, ());
}

#[carom::task]
fn make_large(len: usize) -> Array<u8> {
    ones(len)
}

#[carom::task]
fn drop_large_ones_that_workers_made() {
    let pool = Pool::builder().processes(2).build().expect("a pool");
    for _ in 0..30 {
        drop(pool.map(make_large, [20 << 20, 2 << 20, 17 << 20]).expect("made"));
        crate::common::eventually("all of it is given back", || memory() < 1 << 20);
    }
}

#[carom::test]
fn large_arrays_that_a_worker_made_are_gone_when_they_are_dropped() -> carom::Result<()> {
    let _watchdog = watchdog();
    // in a process whose memory is no other test's
    Process::spawn(drop_large_ones_that_workers_made, ())?.join()?.exit_ok()?;
    Ok(())
}

#[carom::task]
fn keep_for_ever(array: Array<u8>, ready: carom::Connection) {
    ready.send(&array.len()).expect("send");
    loop {
        std::thread::park();
    }
}

#[carom::task]
fn give_up_and_kill() {
    for len in [2 << 20, 20 << 20] {
        let array = ones(len);
        let (here, there) = carom::pipe::<carom::Untyped, carom::Untyped>().expect("a pipe");
        let process = Process::spawn(keep_for_ever, (array, there)).expect("spawn");
        assert_eq!(here.recv::<usize>().expect("ready"), len);
        assert!(memory() >= len as u64);
        process.kill().expect("signal");
        assert_eq!(process.join().expect("join").signal(), Some(libc::SIGKILL));
        assert!(memory() < 1 << 20, "{}", memory());
    }
}

#[carom::test]
fn a_large_array_whose_last_holder_is_killed_is_gone_when_that_is_known() -> carom::Result<()> {
    let _watchdog = watchdog();
    Process::spawn(give_up_and_kill, ())?.join()?.exit_ok()?;
    Ok(())
}
