//! Messages as bytes: bounds, buffers, and how they lie in the stream.
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use carom::{Connection, PipeBuilder, RecvError, SendError, Untyped, pipe};

use crate::common::watchdog;
use crate::raw::{frame, with_stranger};

#[test]
fn a_message_longer_than_accepted_closes_a_one_way_end() {
    let _watchdog = watchdog();
    // the message fits what is read ahead, and then the socket's buffer, and then neither
    for length in [5, 100_000, 16 << 20] {
        let (receiver, sender) = PipeBuilder::new().one_way::<Untyped>().expect("pipe");
        thread::scope(|scope| {
            let sending = scope.spawn(|| sender.send_bytes(&vec![0; length]));
            let error = receiver.recv_bytes(Some(4)).expect_err("too long");
            assert!(matches!(error, RecvError::TooLong { length: l, limit: 4 } if l == length as u64), "{error}");
            assert!(receiver.closed());
            assert!(matches!(receiver.recv_bytes(None), Err(RecvError::NotReadable)));
            let sent = sending.join().expect("a thread");
            assert!(matches!(sent, Ok(()) | Err(SendError::Disconnected)), "{sent:?}");
            assert!(length < 16 << 20 || sent.is_err(), "nobody can have taken it");
        });
        // nobody will receive any more, although the other end exists
        let again = sender.send_bytes(b"x").expect_err("closed");
        assert!(matches!(again, SendError::Disconnected), "{again}");
        assert!(sender.closed());
    }
}

#[test]
fn a_message_longer_than_accepted_leaves_a_duplex_end_writable() {
    let _watchdog = watchdog();
    let (one, other) = pipe::<Untyped, Untyped>().expect("pipe");
    thread::scope(|scope| {
        let sending = scope.spawn(|| other.send_bytes(&vec![0; 16 << 20]));
        assert!(
            matches!(one.recv_bytes(Some(1000)), Err(RecvError::TooLong { length, limit: 1000 }) if length == 16 << 20)
        );
        assert!(matches!(sending.join().expect("a thread"), Err(SendError::Disconnected)));
    });
    assert!(!one.readable() && one.writable() && !one.closed());
    assert!(matches!(one.recv::<u8>(), Err(RecvError::NotReadable)));
    assert_eq!(one.iter::<u8>().count(), 0);
    one.send(&7u8).expect("send");
    assert_eq!(other.recv::<u8>().expect("recv"), 7);
}

#[test]
fn a_message_as_long_as_accepted_is_received() {
    let _watchdog = watchdog();
    let (one, other) = pipe::<Untyped, Untyped>().expect("pipe");
    for length in [0, 1, 5000, 100_000] {
        one.send_bytes(&vec![1; length]).expect("send");
        assert_eq!(other.recv_bytes(Some(length)).expect("recv").len(), length);
    }
}

#[test]
fn a_part_of_a_buffer_is_sent_and_received_into() {
    let _watchdog = watchdog();
    let (one, other) = pipe::<Untyped, Untyped>().expect("pipe");
    let text = b"0123456789";
    one.send_bytes(&text[3..5]).expect("send");
    one.send_bytes(&text[10..]).expect("send");
    let mut buffer = *b"..........";
    assert_eq!(other.recv_bytes_into(&mut buffer[4..]).expect("recv"), 2);
    assert_eq!(&buffer, b"....34....");
    assert_eq!(other.recv_bytes_into(&mut []).expect("an empty message fits no room"), 0);
}

#[test]
fn a_message_longer_than_the_buffer_is_in_the_error_and_the_next_one_is_fine() {
    let _watchdog = watchdog();
    let (one, other) = pipe::<Untyped, Untyped>().expect("pipe");
    for length in [10, 300, 9000, 3 << 20] {
        let message: Vec<u8> = (0..length).map(|i| i as u8).collect();
        thread::scope(|scope| {
            scope.spawn(|| {
                one.send_bytes(&message).expect("send");
                one.send_bytes(b"next").expect("send");
            });
            let mut buffer = vec![0xee; length - 1];
            let error = other.recv_bytes_into(&mut buffer).expect_err("too short");
            assert!(matches!(error, RecvError::BufferTooShort { message: whole } if whole == message));
            assert!(buffer.iter().all(|byte| *byte == 0xee), "nothing was written to it");
            assert_eq!(other.recv_bytes_into(&mut buffer).expect("recv"), 4);
            assert_eq!(&buffer[..4], b"next");
        });
    }
}

#[test]
fn messages_of_every_length_are_received_into_a_buffer() {
    let _watchdog = watchdog();
    let (one, other) = pipe::<Untyped, Untyped>().expect("pipe");
    let lengths = || (0..40).chain(8160..8220).chain([1 << 20, 5 << 20]);
    let body = |length: usize| -> Vec<u8> { (0..length).map(|i| (i ^ length) as u8).collect() };
    thread::scope(|scope| {
        scope.spawn(|| lengths().for_each(|length| one.send_bytes(&body(length)).expect("send")));
        let mut buffer = vec![0; 5 << 20];
        for length in lengths() {
            // polling begins to gather it
            if length % 3 == 0 {
                assert!(other.poll(Duration::MAX).expect("poll"));
            }
            assert_eq!(other.recv_bytes_into(&mut buffer).expect("recv"), length);
            assert!(buffer[..length] == body(length), "{length}");
        }
    });
}

#[test]
fn what_is_sent_lies_in_the_stream_as_python_has_it() {
    let _watchdog = watchdog();
    let (connection, mut stranger) = with_stranger();
    for length in [0, 1, 251, 252, 253, 16_384, 16_385, 70_000] {
        let message = vec![b'm'; length];
        connection.send_bytes(&message).expect("send");
        let mut bytes = vec![0; length + 4];
        stranger.read_exact(&mut bytes).expect("read");
        assert!(bytes == frame(&message), "{length}");
    }
    // the length alone decides on its form, and a value is framed as bytes are
    connection.send(&7u8).expect("send");
    connection.send(&vec![0u8; 300]).expect("send");
    drop(connection);
    let mut rest = Vec::new();
    stranger.read_to_end(&mut rest).expect("read");
    let first = u32::from_be_bytes(*rest.first_chunk().expect("a header")) as usize;
    let second = u32::from_be_bytes(*rest[4 + first..].first_chunk().expect("a header")) as usize;
    assert_eq!(rest.len(), 4 + first + 4 + second);
}

#[test]
fn what_lies_in_the_stream_as_python_has_it_is_received() {
    let _watchdog = watchdog();
    let (connection, mut stranger) = with_stranger();
    stranger.write_all(&frame(b"")).expect("write");
    stranger.write_all(&frame(b"short")).expect("write");
    let long = [&(-1i32).to_be_bytes()[..], &6u64.to_be_bytes(), b"longer"].concat();
    stranger.write_all(&long).expect("write");
    for message in [&b""[..], b"short", b"longer"] {
        assert_eq!(connection.recv_bytes(None).expect("recv"), message);
    }
    // byte by byte, as a slow network would; what polling took is not lost
    for message in [frame(b"slow"), long] {
        for byte in message {
            assert!(!connection.poll(Duration::ZERO).expect("poll"));
            stranger.write_all(&[byte]).expect("write");
        }
        assert!(connection.poll(Duration::ZERO).expect("poll"));
        assert!(matches!(&connection.recv_bytes(None).expect("recv")[..], b"slow" | b"longer"));
    }
}

#[test]
fn the_descriptor_is_the_streams() {
    let _watchdog = watchdog();
    let (connection, mut stranger) = with_stranger();
    let mut bare = UnixStream::from(connection.as_fd().try_clone_to_owned().expect("dup"));
    bare.write_all(b"past the connection").expect("write");
    let mut bytes = [0; 19];
    stranger.read_exact(&mut bytes).expect("read");
    assert_eq!(&bytes, b"past the connection");
    // somebody makes the description non-blocking; calls block all the same
    bare.set_nonblocking(true).expect("fcntl");
    thread::scope(|scope| {
        scope.spawn(|| {
            let peer: Connection = stranger.try_clone().expect("dup").into();
            peer.send_bytes(&vec![1; 4 << 20]).expect("send");
            assert_eq!(peer.recv_bytes(None).expect("recv").len(), 4 << 20);
        });
        assert_eq!(connection.recv_bytes(None).expect("recv").len(), 4 << 20);
        connection.send_bytes(&vec![2; 4 << 20]).expect("send");
    });
}
