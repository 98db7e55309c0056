//! Messages arrive whole, in order, and as what was sent.
use std::collections::BTreeMap;
use std::thread;

use carom::{Connection, PipeBuilder, Process, Receiver, RecvError, SendError, Sender, Untyped, pipe};
use serde::{Deserialize, Serialize};

use crate::common::{until_disconnected, watchdog};

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
enum Order {
    Stop,
    Go { to: String, by: Option<BTreeMap<u8, f64>> },
}

#[test]
fn typed_values_go_both_ways() {
    let _watchdog = watchdog();
    let (one, other) = pipe::<Order, Vec<u64>>().expect("pipe");
    let go = Order::Go { to: "Köln".to_owned(), by: Some([(1, 0.5)].into()) };
    one.send(&go).expect("send");
    one.send(&Order::Stop).expect("send");
    other.send(&vec![1, u64::MAX]).expect("send");
    assert_eq!(other.recv().expect("recv"), go);
    assert_eq!(other.recv().expect("recv"), Order::Stop);
    assert_eq!(one.recv().expect("recv"), [1, u64::MAX]);
}

#[test]
fn untyped_values_are_whatever_is_asked_for() {
    let _watchdog = watchdog();
    let (one, other): (Connection, Connection) = pipe().expect("pipe");
    one.send(&7u8).expect("send");
    one.send("a text that is not sized").expect("send");
    one.send(&[1u16, 2][..]).expect("send");
    one.send(&Order::Stop).expect("send");
    one.send_bytes(b"bytes").expect("send");
    one.send(&()).expect("send");
    assert_eq!(other.recv::<u8>().expect("recv"), 7);
    assert_eq!(other.recv::<String>().expect("recv"), "a text that is not sized");
    assert_eq!(other.recv::<Vec<u16>>().expect("recv"), [1, 2]);
    assert_eq!(other.recv::<Order>().expect("recv"), Order::Stop);
    assert_eq!(other.recv_bytes(None).expect("recv"), b"bytes");
    other.recv::<()>().expect("recv");
    // one direction may be typed and the other not
    let (one, other) = pipe::<Untyped, u8>().expect("pipe");
    one.send(&-1i64).expect("send");
    other.send(&3).expect("send");
    assert_eq!((other.recv::<i64>().expect("recv"), one.recv().expect("recv")), (-1, 3));
}

#[test]
fn a_one_way_pipe_has_a_receiving_end_and_a_sending_one() {
    let _watchdog = watchdog();
    let (receiver, sender) = PipeBuilder::new().one_way::<String>().expect("pipe");
    assert_eq!((receiver.readable(), receiver.writable(), receiver.closed()), (true, false, false));
    assert_eq!((sender.readable(), sender.writable(), sender.closed()), (false, true, false));
    sender.send(&"x".to_owned()).expect("send");
    sender.close();
    assert_eq!(receiver.recv().expect("recv"), "x");
    assert!(matches!(receiver.recv(), Err(RecvError::EndOfFile)));
    let (receiver, sender) = PipeBuilder::new().one_way::<String>().expect("pipe");
    receiver.close();
    until_disconnected(&sender);
    assert!(matches!(sender.send(&String::new()), Err(SendError::Disconnected)));
    assert!(sender.closed(), "the other end is gone for good");
}

#[test]
fn an_end_tells_what_it_can_do() {
    let (one, other) = pipe::<u8, u8>().expect("pipe");
    assert!(one.readable() && one.writable() && !one.closed());
    let printed = format!("{one:?}");
    assert!(printed.starts_with("Connection") && printed.contains("readable: true, writable: true"), "{printed}");
    other.close();
    until_disconnected(&one);
    assert!(matches!(one.send(&1), Err(SendError::Disconnected)));
    assert!(one.readable() && !one.writable() && !one.closed());
}

#[test]
fn messages_of_every_length_around_a_bound_arrive_and_so_does_what_follows() {
    let _watchdog = watchdog();
    let (receiver, sender) = PipeBuilder::new().one_way::<Untyped>().expect("pipe");
    // around: a frame in one piece, what is read ahead, Python's bound, the first buffer of a long message
    let around = [0, 14, 256, 8 << 10, 16 << 10, 1 << 20, 2 << 20];
    let lengths = || around.into_iter().flat_map(|bound: usize| bound.saturating_sub(18)..bound + 18);
    let body = |length: usize| -> Vec<u8> { (0..length).map(|i| (i ^ length) as u8).collect() };
    thread::scope(|scope| {
        scope.spawn(|| {
            for length in lengths() {
                sender.send_bytes(&body(length)).expect("send");
                sender.send(&length).expect("send");
                sender.send(&body(length)).expect("send");
                sender.send_bytes(&[]).expect("send");
            }
        });
        for length in lengths() {
            assert!(receiver.recv_bytes(None).expect("recv") == body(length), "{length}");
            assert_eq!(receiver.recv::<usize>().expect("recv"), length);
            assert!(receiver.recv::<Vec<u8>>().expect("recv") == body(length), "{length}");
            assert_eq!(receiver.recv_bytes(None).expect("recv"), []);
        }
    });
}

#[carom::task]
fn exchange(connection: Connection<Vec<u8>, Vec<u8>>, size: usize) {
    thread::scope(|scope| {
        scope.spawn(|| connection.send(&vec![2; size]).expect("send"));
        assert!(connection.recv().expect("recv") == vec![1; size]);
    });
}

#[carom::test]
fn two_processes_send_each_other_many_mebibytes_at_once() {
    let _watchdog = watchdog();
    const SIZE: usize = 16 << 20;
    let (one, other) = pipe().expect("pipe");
    let process = Process::spawn(exchange, (other, SIZE)).expect("spawn");
    thread::scope(|scope| {
        scope.spawn(|| one.send(&vec![1; SIZE]).expect("send"));
        assert!(one.recv().expect("recv") == vec![2; SIZE]);
    });
    assert!(matches!(one.recv(), Err(RecvError::EndOfFile)));
    process.join().expect("join").exit_ok().expect("success");
}

#[carom::task]
fn add_up(numbers: Receiver<u64>, sums: Sender<u64>) {
    let sum = numbers.iter().map(|number| number.expect("a number")).sum();
    sums.send(&sum).expect("send");
}

#[carom::test]
fn iteration_ends_with_the_other_end() {
    let _watchdog = watchdog();
    let (numbers, out) = PipeBuilder::new().one_way().expect("pipe");
    let (sums, back) = PipeBuilder::new().one_way().expect("pipe");
    let process = Process::spawn(add_up, (numbers, back)).expect("spawn");
    for number in 0..10_000 {
        out.send(&number).expect("send");
    }
    out.close();
    assert_eq!(sums.iter().collect::<Result<Vec<_>, _>>().expect("sums"), [49_995_000]);
    process.join().expect("join").exit_ok().expect("success");
}

#[derive(Serialize)]
struct Written(u8);

#[derive(Deserialize)]
struct Read(u8);

#[test]
fn an_end_needs_of_its_types_only_what_its_direction_does() {
    let _watchdog = watchdog();
    let (one, other) = std::os::unix::net::UnixStream::pair().expect("socketpair");
    let (writes, reads) = (Sender::<Written>::from(one), Receiver::<Read>::from(other));
    writes.send(&Written(7)).expect("send");
    writes.send_bytes(b"bytes").expect("send");
    assert!(reads.poll(std::time::Duration::ZERO).expect("poll"));
    assert_eq!(reads.recv().expect("recv").0, 7);
    assert_eq!(reads.recv_bytes(None).expect("recv"), b"bytes");
}

#[test]
fn other_errors_are_items_of_the_iteration() {
    let _watchdog = watchdog();
    let (one, other) = pipe::<Untyped, Untyped>().expect("pipe");
    one.send(&1u8).expect("send");
    one.send("not a number").expect("send");
    one.send(&3u8).expect("send");
    one.close();
    let items: Vec<Result<u8, RecvError>> = other.iter().collect();
    assert!(matches!(items[..], [Ok(1), Err(RecvError::Decode { .. }), Ok(3)]), "{items:?}");
}

#[test]
fn threads_that_share_an_end_send_and_receive_whole_messages() {
    let _watchdog = watchdog();
    const THREADS: usize = 4;
    const EACH: usize = 500;
    let (receiver, sender) = PipeBuilder::new().one_way::<(usize, usize, Vec<u8>)>().expect("pipe");
    // from nothing to beyond what is read ahead
    let body = |who: usize, number: usize| vec![who as u8; number * 7919 % 20_000];
    let mut received = thread::scope(|scope| {
        let receivers: Vec<_> = (0..THREADS)
            .map(|_| scope.spawn(|| receiver.iter().map(|item| item.expect("recv")).collect::<Vec<_>>()))
            .collect();
        thread::scope(|scope| {
            for who in 0..THREADS {
                let sender = &sender;
                scope.spawn(move || {
                    for number in 0..EACH {
                        sender.send(&(who, number, body(who, number))).expect("send");
                    }
                });
            }
        });
        sender.close();
        receivers.into_iter().flat_map(|receiver| receiver.join().expect("a thread")).collect::<Vec<_>>()
    });
    received.sort();
    assert_eq!(received.len(), THREADS * EACH);
    for (at, (who, number, bytes)) in received.into_iter().enumerate() {
        assert_eq!((who, number), (at / EACH, at % EACH));
        assert!(bytes == body(who, number));
    }
}
