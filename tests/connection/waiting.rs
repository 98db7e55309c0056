//! Waiting for messages, and not waiting.
use std::io::Write;
use std::thread;
use std::time::Duration;

use carom::{Connection, PipeBuilder, Process, RecvError, SendError, Untyped, pipe};

use crate::common::{LONG, eventually, watchdog};
use crate::raw::{frame, with_stranger};

#[test]
fn polling_tells_of_a_message_and_of_the_end() {
    let _watchdog = watchdog();
    let (one, other) = pipe::<u8, u8>().expect("pipe");
    assert!(!other.poll(Duration::ZERO).expect("poll"));
    assert!(!other.poll(Duration::from_millis(1)).expect("poll"));
    one.send(&1).expect("send");
    assert!(other.poll(Duration::ZERO).expect("poll"));
    assert!(other.poll(Duration::MAX).expect("poll"), "polling takes nothing away");
    assert_eq!(other.recv().expect("recv"), 1);
    assert!(!other.poll(Duration::ZERO).expect("poll"));
    one.close();
    assert!(other.poll(Duration::ZERO).expect("poll"));
    assert!(other.poll(Duration::MAX).expect("poll"));
    assert!(matches!(other.recv(), Err(RecvError::EndOfFile)));
    assert!(other.poll(Duration::ZERO).expect("poll"), "the end stays");
}

#[carom::task]
fn answer_twice(connection: Connection<u8, ()>) {
    for answer in [1, 2] {
        connection.recv().expect("a question");
        connection.send(&answer).expect("send");
    }
}

#[carom::test]
fn polling_waits_for_a_process() {
    let _watchdog = watchdog();
    let (one, other) = pipe().expect("pipe");
    let process = Process::spawn(answer_twice, other).expect("spawn");
    for (answer, timeout) in [(1, LONG), (2, Duration::MAX)] {
        one.send(&()).expect("send");
        assert!(one.poll(timeout).expect("poll"));
        assert_eq!(one.recv().expect("recv"), answer);
    }
    assert!(one.poll(Duration::MAX).expect("poll"));
    assert!(matches!(one.recv(), Err(RecvError::EndOfFile)));
    process.join().expect("join").exit_ok().expect("success");
}

#[test]
fn half_a_message_is_none() {
    let _watchdog = watchdog();
    for length in [10, 1000, 10_000, 100_000] {
        let (connection, mut stranger) = with_stranger();
        let whole = frame(&vec![b'h'; length]);
        for cut in [1, 4, 5, length / 2, length + 3] {
            let done = whole.len() - cut;
            stranger.write_all(&whole[..done]).expect("write");
            assert!(!connection.poll(Duration::ZERO).expect("poll"), "{cut} of {length} missing");
            stranger.write_all(&whole[done..]).expect("write");
            assert!(connection.poll(Duration::ZERO).expect("poll"));
            assert_eq!(connection.recv_bytes(None).expect("recv").len(), length);
        }
        stranger.write_all(&whole[..length / 2]).expect("write");
        assert!(!connection.poll(Duration::ZERO).expect("poll"));
        drop(stranger);
        assert!(connection.poll(Duration::ZERO).expect("poll"), "that it ends here is to be told");
        assert!(matches!(connection.recv_bytes(None), Err(RecvError::Truncated { .. })));
    }
}

#[test]
fn polling_an_end_that_another_process_holds_too_takes_nothing_from_it() {
    let _watchdog = watchdog();
    let (carrier, receives) = pipe::<Connection, Connection>().expect("pipe");
    let (connection, mut stranger) = with_stranger();
    carrier.send(&connection).expect("send");
    let other = receives.recv().expect("recv");
    assert!(!connection.poll(Duration::ZERO).expect("poll"));
    let whole = frame(&[b'h'; 100]);
    let (half, rest) = whole.split_at(50);
    stranger.write_all(half).expect("write");
    assert!(connection.poll(Duration::MAX).expect("poll"));
    stranger.write_all(rest).expect("write");
    assert!(connection.poll(Duration::MAX).expect("poll"));
    assert_eq!(other.recv_bytes(None).expect("recv"), [b'h'; 100]);
    assert!(!connection.poll(Duration::ZERO).expect("poll"));
}

#[test]
fn an_end_that_does_not_block_keeps_the_part_of_a_message_that_came() {
    let _watchdog = watchdog();
    let (connection, mut stranger) = with_stranger();
    connection.set_nonblocking(true);
    let mut buffer = vec![0; 100_000];
    for length in [10, 1000, 10_000, 100_000] {
        let message: Vec<u8> = (0..length).map(|i| i as u8).collect();
        let whole = frame(&message);
        for round in 0..3 {
            for part in whole.chunks(length / 4) {
                let error = connection.recv_bytes_into(&mut buffer).expect_err("not yet whole");
                assert!(matches!(error, RecvError::WouldBlock), "{error}");
                assert!(matches!(connection.recv_bytes(None), Err(RecvError::WouldBlock)));
                assert!(matches!(connection.recv::<u8>(), Err(RecvError::WouldBlock)));
                stranger.write_all(part).expect("write");
            }
            match round {
                0 => assert!(connection.recv_bytes(None).expect("recv") == message),
                1 => {
                    let error = connection.recv_bytes_into(&mut buffer[..length - 1]).expect_err("too short");
                    assert!(matches!(error, RecvError::BufferTooShort { message: whole } if whole == message));
                }
                _ => {
                    assert_eq!(connection.recv_bytes_into(&mut buffer).expect("recv"), length);
                    assert!(buffer[..length] == message);
                }
            }
        }
    }
    drop(stranger);
    assert!(matches!(connection.recv_bytes(None), Err(RecvError::EndOfFile)));
}

#[test]
fn a_message_for_which_there_is_no_room_is_not_sent() {
    let _watchdog = watchdog();
    let (receiver, sender) = PipeBuilder::new().wnonblock(true).one_way::<Vec<u8>>().expect("pipe");
    let sent = std::iter::from_fn(|| match sender.send(&vec![1; 1000]) {
        Ok(()) => Some(()),
        Err(SendError::WouldBlock) => None,
        Err(error) => panic!("{error:?}"),
    });
    let sent = sent.count();
    assert!(sent > 10 && sender.writable());
    for _ in 0..10 {
        assert!(matches!(sender.send(&vec![2; 1000]), Err(SendError::WouldBlock)));
    }
    thread::scope(|scope| {
        scope.spawn(|| sender.flush().expect("flush"));
        for _ in 0..sent {
            assert!(receiver.recv().expect("recv") == [1; 1000]);
        }
    });
    assert!(!receiver.poll(Duration::ZERO).expect("poll"), "nothing of the others went out");
    sender.send(&vec![3]).expect("there is room again");
    assert_eq!(receiver.recv().expect("recv"), [3]);
}

#[test]
fn the_rest_of_a_message_goes_out_by_flush_and_with_the_next_message() {
    let _watchdog = watchdog();
    let (receiver, sender) = PipeBuilder::new().wnonblock(true).one_way::<Untyped>().expect("pipe");
    let large: Vec<u8> = (0..4 << 20).map(|i| (i % 251) as u8).collect();
    sender.send_bytes(&large).expect("it is accepted");
    assert!(matches!(sender.send_bytes(b"no room"), Err(SendError::WouldBlock)));
    assert!(!receiver.poll(Duration::ZERO).expect("poll"), "a part of it");
    thread::scope(|scope| {
        scope.spawn(|| sender.flush().expect("flush"));
        assert!(receiver.recv_bytes(None).expect("recv") == large);
    });
    sender.flush().expect("nothing is left");
    sender.send_bytes(&large).expect("it is accepted");
    thread::scope(|scope| {
        scope.spawn(|| eventually("room", || !matches!(sender.send(&7u8), Err(SendError::WouldBlock))));
        assert!(receiver.recv_bytes(None).expect("recv") == large);
        assert_eq!(receiver.recv::<u8>().expect("recv"), 7);
    });
    // an end that blocks again sends what is left first
    sender.send_bytes(&large).expect("it is accepted");
    sender.set_nonblocking(false);
    thread::scope(|scope| {
        scope.spawn(|| sender.send(&8u8).expect("send"));
        assert!(receiver.recv_bytes(None).expect("recv") == large);
        assert_eq!(receiver.recv::<u8>().expect("recv"), 8);
    });
}

#[test]
fn the_builder_makes_the_end_that_is_named_not_block() {
    let _watchdog = watchdog();
    let (one, other) = PipeBuilder::new().rnonblock(true).duplex::<u8, u8>().expect("pipe");
    assert!(matches!(one.recv(), Err(RecvError::WouldBlock)));
    assert!(one.readable());
    other.send(&1).expect("send");
    assert_eq!(one.recv().expect("recv"), 1);
    let (_one, other) = PipeBuilder::new().wnonblock(true).duplex::<u8, u8>().expect("pipe");
    assert!(matches!(other.recv(), Err(RecvError::WouldBlock)));
}
