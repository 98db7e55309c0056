//! A task that shares an end with a thread of its own, which has no limit.
use carom::{Connection, Event, RecvError, SendError, pipe, task};

use crate::common::{own_tid, watchdog};
use crate::connections::LARGE;
use crate::stage::pool_of;

/// Waits until a thread sleeps in the system.
fn until_it_sleeps(tid: u32) {
    let path = format!("/proc/self/task/{tid}/stat");
    crate::common::eventually("it sleeps", || {
        let stat = std::fs::read_to_string(&path).expect("it is there");
        stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('S'))
    });
}

/// Has a thread use the end, and sleep there; then does so itself, which the limit ends.
fn beside_a_thread<R: Send>(
    in_thread: impl FnOnce() -> R + Send,
    here: impl FnOnce() -> bool,
    over: &Event,
) -> (bool, R) {
    std::thread::scope(|scope| {
        let (tell, told) = std::sync::mpsc::channel();
        let thread = scope.spawn(move || {
            tell.send(own_tid()).expect("send");
            in_thread()
        });
        until_it_sleeps(told.recv().expect("it runs"));
        let ended = here();
        over.set();
        (ended, thread.join().expect("no panic"))
    })
}

#[carom::task(soft_timeout = "20ms")]
fn receive_beside_a_thread(end: Connection, over: Event) -> (bool, String) {
    let here = || {
        let received = matches!(end.recv::<String>(), Err(RecvError::SoftTimeLimitExceeded { .. }));
        received && end.poll(crate::stage::HOUR).is_err() && end.recv_bytes(None).is_err()
    };
    beside_a_thread(|| end.recv::<String>().expect("a message"), here, &over)
}

#[carom::test]
fn who_waits_for_another_thread_to_receive_is_ended_and_that_is_not() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    let (ours, theirs) = pipe::<carom::Untyped, carom::Untyped>().expect("a pipe");
    let over = Event::new().expect("memory");
    let result = pool.apply_async(receive_beside_a_thread, (theirs, over.clone()));
    over.wait();
    ours.send("for the thread").expect("send");
    assert_eq!(result.get().expect("a result"), (true, "for the thread".to_owned()));
}

#[carom::task(soft_timeout = "20ms")]
fn send_beside_a_thread(end: Connection, over: Event) -> (bool, bool) {
    let here = || {
        let sent = matches!(end.send(&1_u8), Err(SendError::SoftTimeLimitExceeded { begun: false, .. }));
        sent && end.send_bytes(&[1]).is_err() && end.flush().is_err()
    };
    beside_a_thread(|| end.send(&vec![1_u8; LARGE]).is_ok() && !task::current().soft_limit_exceeded(), here, &over)
}

#[carom::test]
fn who_waits_for_another_thread_to_send_is_ended_and_that_is_not() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    let (ours, theirs) = pipe::<carom::Untyped, carom::Untyped>().expect("a pipe");
    let over = Event::new().expect("memory");
    let result = pool.apply_async(send_beside_a_thread, (theirs, over.clone()));
    over.wait();
    assert_eq!(ours.recv::<Vec<u8>>().expect("what the thread sent"), vec![1; LARGE]);
    assert_eq!(result.get().expect("a result"), (true, true));
    assert!(matches!(ours.recv::<u8>(), Err(RecvError::EndOfFile)));
}
