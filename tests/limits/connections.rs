//! Sending and receiving: who waits is told, and the stream goes on where it was.
use std::error::Error;
use std::io;
use std::time::Duration;

use carom::{Connection, Event, Receiver, RecvError, SendError, Sender, Untyped, pipe, task};

use crate::common::watchdog;
use crate::stage::{HOUR, pool_of, the_next_are_not_hit, until_it_has_passed};

/// More than any pipe holds.
pub(crate) const LARGE: usize = 8 << 20;

pub(crate) fn is_limit(error: &(impl Error + 'static)) -> bool {
    error.source().is_some_and(|source| source.is::<task::SoftTimeLimitExceeded>())
}

/// Waits for a message, by looking again and again, which no limit ends.
pub(crate) fn until_there(end: &Connection) {
    while !end.poll(Duration::ZERO).expect("who looks is not ended") {
        std::thread::yield_now();
    }
}

/// Which ways to wait for a message were ended; then receives three.
#[carom::task(soft_timeout = "20ms")]
fn receive(end: Connection, over: Event) -> (Vec<bool>, Vec<String>) {
    let mut buffer = [0; 100];
    let polled = end.poll(HOUR);
    let is_limit_of_poll = |error: io::Error| {
        error.kind() == io::ErrorKind::TimedOut
            && error.get_ref().is_some_and(|inner| inner.is::<task::SoftTimeLimitExceeded>())
    };
    let ended = vec![
        matches!(end.recv::<String>(), Err(error @ RecvError::SoftTimeLimitExceeded { .. }) if is_limit(&error)),
        matches!(end.recv_bytes(None), Err(RecvError::SoftTimeLimitExceeded { .. })),
        matches!(end.recv_bytes(Some(9)), Err(RecvError::SoftTimeLimitExceeded { .. })),
        matches!(end.recv_bytes_into(&mut buffer), Err(RecvError::SoftTimeLimitExceeded { .. })),
        matches!(end.iter::<String>().next(), Some(Err(RecvError::SoftTimeLimitExceeded { .. }))),
        polled.is_err_and(is_limit_of_poll),
        matches!(end.poll(Duration::ZERO), Ok(false)),
    ];
    over.set();
    let messages = (0..3).map(|_| {
        until_there(&end);
        end.recv::<String>().expect("it need not wait")
    });
    (ended, messages.collect())
}

#[carom::test]
fn who_receives_is_told_and_can_receive_what_comes_later() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    let (ours, theirs) = pipe::<Untyped, Untyped>().expect("a pipe");
    let over = Event::new().expect("memory");
    let result = pool.apply_async(receive, (theirs, over.clone()));
    over.wait();
    let messages = ["one", "two", &"three".repeat(10_000)].map(str::to_owned);
    for message in &messages {
        ours.send(message).expect("send");
    }
    let (ended, received) = result.get().expect("a result");
    assert_eq!(ended, [true; 7]);
    assert_eq!(received, messages);
    the_next_are_not_hit(&pool);
}

#[carom::task(soft_timeout = "1ms")]
fn receive_what_is_there(end: Receiver<String>) -> Result<String, carom::RemoteError> {
    until_it_has_passed();
    Ok(end.recv()?)
}

#[carom::test]
fn what_is_there_is_received_after_the_limit() {
    let _watchdog = watchdog();
    let (ours, theirs) = pipe::<String, carom::Never>().expect("a pipe");
    ours.send(&"there".to_owned()).expect("send");
    assert_eq!(pool_of(1).apply(receive_what_is_there, theirs).expect("a result").expect("received"), "there");
}

/// Sends numbers until that would have to wait; how many there were, and how the others ended.
#[carom::task(soft_timeout = "20ms")]
fn send_small(end: Sender<u64>) -> (u64, bool) {
    let mut sent = 0;
    loop {
        match end.send(&sent) {
            Ok(()) => sent += 1,
            Err(error @ SendError::SoftTimeLimitExceeded { begun: false, .. }) => {
                let again = end.send(&sent);
                let told = matches!(again, Err(SendError::SoftTimeLimitExceeded { begun: false, .. }));
                return (sent, told && is_limit(&error) && end.writable());
            }
            Err(_) => return (sent, false),
        }
    }
}

#[carom::test]
fn what_there_is_no_room_for_is_not_sent() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    let (ours, theirs) = pipe::<carom::Never, u64>().expect("a pipe");
    let (sent, told) = pool.apply(send_small, theirs).expect("a result");
    assert!(told && sent > 0);
    let received = ours.iter().collect::<Result<Vec<u64>, _>>().expect("whole messages");
    assert_eq!(received, (0..sent).collect::<Vec<_>>());
    the_next_are_not_hit(&pool);
}

#[carom::task(soft_timeout = "1ms")]
fn send_what_there_is_room_for(end: Sender<u64>) -> bool {
    until_it_has_passed();
    end.send(&7).is_ok() && end.flush().is_ok()
}

#[carom::test]
fn what_there_is_room_for_is_sent_after_the_limit() {
    let _watchdog = watchdog();
    let (ours, theirs) = pipe::<carom::Never, u64>().expect("a pipe");
    assert!(pool_of(1).apply(send_what_there_is_room_for, theirs).expect("a result"));
    assert_eq!(ours.recv().expect("it was sent"), 7);
}

#[carom::task(soft_timeout = "20ms")]
fn fail_to_receive(end: Receiver<u8>) -> Result<u8, carom::RemoteError> {
    Ok(end.recv()?)
}

#[carom::task(soft_timeout = "20ms")]
fn fail_to_send(end: Sender<Vec<u8>>) -> carom::Result<(), carom::RemoteError> {
    let sent: carom::Result<()> = end.send(&vec![1; LARGE]).map_err(Into::into);
    Ok(sent?)
}

#[carom::test]
fn the_errors_travel() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    let (_ours, theirs) = pipe::<u8, carom::Never>().expect("a pipe");
    let error = pool.apply(fail_to_receive, theirs).expect("an output").expect_err("the limit");
    assert_eq!(error.message(), "no message came in time");
    assert_eq!(error.sources().collect::<Vec<_>>(), ["the soft time limit of the task has passed"]);
    let (_ours, theirs) = pipe::<carom::Never, Vec<u8>>().expect("a pipe");
    let error = pool.apply(fail_to_send, theirs).expect("an output").expect_err("the limit");
    assert_eq!(error.message(), "there was no room for the message, but for a part of it");
    assert_eq!(error.sources().collect::<Vec<_>>(), ["the soft time limit of the task has passed"]);
}

#[carom::task(soft_timeout = "1h")]
fn poll_briefly(end: Receiver<u8>) -> bool {
    matches!(end.poll(Duration::from_millis(1)), Ok(false))
}

#[carom::test]
fn a_timeout_before_the_limit_is_one() {
    let _watchdog = watchdog();
    let (_ours, theirs) = pipe::<u8, carom::Never>().expect("a pipe");
    assert!(pool_of(1).apply(poll_briefly, theirs).expect("a result"));
}

#[carom::task(soft_timeout = "20ms")]
fn fail_on_an_end_that_does_not_block(end: Connection) -> bool {
    end.set_nonblocking(true);
    until_it_has_passed();
    let received = matches!(end.recv::<u8>(), Err(RecvError::WouldBlock));
    let sent = loop {
        match end.send_bytes(&[1; 1000]) {
            Ok(()) => {}
            Err(SendError::WouldBlock) => break true,
            Err(_) => break false,
        }
    };
    received && sent && matches!(end.flush(), Ok(()) | Err(SendError::SoftTimeLimitExceeded { .. }))
}

#[carom::test]
fn an_end_that_does_not_block_says_so_after_the_limit_too() {
    let _watchdog = watchdog();
    let (_ours, theirs) = pipe::<Untyped, Untyped>().expect("a pipe");
    assert!(pool_of(1).apply(fail_on_an_end_that_does_not_block, theirs).expect("a result"));
}
