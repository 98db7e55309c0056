//! What goes wrong with a message, and how it is told: ends that come too early, other types, other processes
//! that die.
use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::thread;

use carom::{Connection, PipeBuilder, Process, Receiver, RecvError, SendError, Sender, Untyped, pipe};
use serde::{Serialize, Serializer};

use crate::common::{eventually, watchdog};
use crate::raw::{frame, header_with_fds, queued, with_stranger};

#[test]
fn an_end_between_messages_is_told_from_one_within() {
    let _watchdog = watchdog();
    let long = [&(-1i32).to_be_bytes()[..], &100u64.to_be_bytes()].concat();
    let body = vec![b'b'; 50_000];
    // what comes, and what of the body is in the error, and how long the message was to be
    for (bytes, received, length) in [
        (frame(&body)[..1].to_vec(), 0, None),
        (frame(&body)[..3].to_vec(), 0, None),
        (long[..11].to_vec(), 0, None),
        (header_with_fds(1, 5)[..13].to_vec(), 0, None),
        (long.clone(), 0, Some(100)),
        (frame(&body)[..4].to_vec(), 0, Some(50_000)),
        (frame(&body)[..5].to_vec(), 1, Some(50_000)),
        (frame(&body)[..30_004].to_vec(), 30_000, Some(50_000)),
        (frame(&body)[..50_003].to_vec(), 49_999, Some(50_000)),
    ] {
        let calls: [fn(&Connection) -> RecvError; 4] = [
            |connection| connection.recv::<u8>().expect_err("cut off"),
            |connection| connection.recv_bytes(None).expect_err("cut off"),
            |connection| connection.recv_bytes_into(&mut [0; 100_000]).expect_err("cut off"),
            |connection| connection.recv_bytes_into(&mut [0; 10]).expect_err("cut off"),
        ];
        for call in calls {
            let (connection, mut stranger) = with_stranger();
            stranger.write_all(&frame(b"whole")).expect("write");
            stranger.write_all(&bytes).expect("write");
            drop(stranger);
            assert_eq!(connection.recv_bytes(None).expect("recv"), b"whole");
            let error = call(&connection);
            let RecvError::Truncated { received: part, length: told } = &error else { panic!("{error}") };
            assert!(*part == body[..received], "{} bytes of {received}", part.len());
            assert_eq!(*told, length);
            assert_eq!(
                error.to_string(),
                format!(
                    "the other end of the connection closed in the midst of a message, {received} bytes of it were there"
                )
            );
            for _ in 0..2 {
                assert!(matches!(connection.recv_bytes(None), Err(RecvError::EndOfFile)));
            }
        }
    }
}

#[test]
fn a_message_of_another_type_is_an_error_that_has_it() {
    let _watchdog = watchdog();
    let (one, other) = pipe::<Untyped, Untyped>().expect("pipe");
    let (copy, seen) = pipe::<Untyped, Untyped>().expect("pipe");
    let long = "x".repeat(100_000);
    thread::scope(|scope| {
        scope.spawn(|| {
            for text in ["three", &long] {
                copy.send(text).expect("send");
                one.send(text).expect("send");
                one.send(&7u8).expect("send");
            }
        });
        for _ in 0..2 {
            let bytes = seen.recv_bytes(None).expect("recv");
            let error = other.recv::<Vec<(u64, bool)>>().expect_err("a text");
            assert_eq!(error.to_string(), format!("a message of {} bytes cannot be decoded", bytes.len()));
            assert!(error.source().is_some());
            assert!(matches!(error, RecvError::Decode { message, .. } if message == bytes));
            assert_eq!(other.recv::<u8>().expect("the next message"), 7);
        }
    });
}

#[test]
fn bytes_behind_a_value_are_an_error() {
    let _watchdog = watchdog();
    let (one, other) = pipe::<Untyped, Untyped>().expect("pipe");
    one.send(&(7u8, 8u8)).expect("send");
    one.send(&9u8).expect("send");
    let error = other.recv::<u8>().expect_err("two numbers");
    assert!(format!("{error:?}").contains("1 bytes follow that nothing reads"), "{error:?}");
    assert!(matches!(error, RecvError::Decode { message, .. } if message == [7, 8]));
    assert_eq!(other.recv::<u8>().expect("recv"), 9);
}

struct Refuses;

impl Serialize for Refuses {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("on purpose"))
    }
}

#[test]
fn a_value_that_refuses_is_not_sent() {
    let _watchdog = watchdog();
    let (one, other) = pipe::<Untyped, Untyped>().expect("pipe");
    let error = one.send(&(vec![1u8; 100_000], Refuses)).expect_err("it refuses");
    assert_eq!(error.to_string(), "the message cannot be encoded");
    assert!(matches!(error, SendError::Encode { .. }) && format!("{error:?}").ends_with("on purpose"), "{error:?}");
    one.send(&1u8).expect("send");
    assert_eq!(other.recv::<u8>().expect("recv"), 1);
}

#[carom::task]
fn send_large(sender: Sender<Vec<u8>>) {
    let sent = sender.send(&vec![7; 64 << 20]);
    panic!("nobody receives it: {sent:?}");
}

#[carom::test]
fn a_sender_that_is_killed_in_the_midst_of_a_message_cuts_it_off() {
    let _watchdog = watchdog();
    let (receiver, sender) = PipeBuilder::new().one_way().expect("pipe");
    let process = Process::spawn(send_large, sender).expect("spawn");
    eventually("it sends", || queued(&receiver) > 0);
    process.kill().expect("kill");
    assert_eq!(process.join().expect("join").signal(), Some(libc::SIGKILL));
    let error = receiver.recv().expect_err("cut off");
    let RecvError::Truncated { received, length: Some(length) } = error else { panic!("{error}") };
    assert!(!received.is_empty() && length > 64 << 20);
    assert!(matches!(receiver.recv(), Err(RecvError::EndOfFile)));
}

#[carom::task]
fn receive_one(receiver: Receiver<Vec<u8>>) {
    receiver.recv().expect("the first message");
    std::io::stdin().lines().count();
}

#[carom::test]
fn a_receiver_that_is_killed_disconnects_a_sender_in_the_midst_of_a_message() {
    let _watchdog = watchdog();
    let (receiver, sender) = PipeBuilder::new().one_way().expect("pipe");
    let (input, _open) = std::io::pipe().expect("pipe");
    let process = Process::builder().stdin(input).spawn(receive_one, receiver).expect("spawn");
    sender.send(&vec![1]).expect("send");
    thread::scope(|scope| {
        let sending = scope.spawn(|| sender.send(&vec![0; 64 << 20]));
        let room = || {
            let mut count = 0;
            // SAFETY: the call writes one integer.
            let result = unsafe { libc::ioctl(sender.as_fd().as_raw_fd(), libc::TIOCOUTQ, &raw mut count) };
            assert_eq!(result, 0);
            count
        };
        eventually("a part is under way", || room() > 50_000);
        process.kill().expect("kill");
        let error = sending.join().expect("a thread").expect_err("nobody receives it");
        assert!(matches!(error, SendError::Disconnected), "{error:?}");
        assert_eq!(error.to_string(), "the other end of the connection is closed");
    });
    assert!(matches!(sender.send(&vec![1]), Err(SendError::Disconnected)), "it stays so");
    assert!(sender.closed());
}

#[test]
fn an_end_that_left_messages_unread_does_not_hide_what_it_sent() {
    let _watchdog = watchdog();
    let (one, other) = pipe::<u8, u8>().expect("pipe");
    one.send(&1).expect("send");
    other.send(&2).expect("send");
    other.close();
    assert_eq!(one.recv().expect("recv"), 2);
    assert!(matches!(one.recv(), Err(RecvError::EndOfFile)));
}

#[test]
fn what_is_no_socket_is_an_error_of_the_system() {
    let _watchdog = watchdog();
    let stream = UnixStream::from(OwnedFd::from(File::open("/dev/null").expect("open")));
    let connection = Connection::<u8, u8>::from(stream);
    let error = connection.recv().expect_err("a file");
    assert!(matches!(&error, RecvError::Io(source) if source.raw_os_error() == Some(libc::ENOTSOCK)), "{error:?}");
    assert_eq!(error.to_string(), "cannot receive");
    let error = connection.send(&1).expect_err("a file");
    assert!(matches!(&error, SendError::Io(source) if source.raw_os_error() == Some(libc::ENOTSOCK)), "{error:?}");
    assert_eq!(error.to_string(), "cannot send");
    assert!(connection.writable(), "nothing was cut off");
}

#[test]
fn an_end_that_was_made_to_receive_does_not_send_whatever_its_type_says() {
    let _watchdog = watchdog();
    let (carrier, carried) = pipe::<Untyped, Untyped>().expect("pipe");
    let (receiver, _sender) = PipeBuilder::new().one_way::<u8>().expect("pipe");
    carrier.send(&receiver).expect("send");
    let taken: Connection<u8, u8> = carried.recv().expect("receive");
    let error = taken.send(&1).expect_err("it only receives");
    assert!(matches!(error, SendError::NotWritable), "{error:?}");
    assert_eq!(error.to_string(), "the connection is closed for sending");
}

#[test]
fn a_value_that_receives_while_it_is_received_does_not_hang() {
    /// Its second part comes as a message of its own.
    struct Chained(u8, u8);
    thread_local!(static REST: std::cell::RefCell<Option<std::sync::Arc<Connection>>> = const { std::cell::RefCell::new(None) });
    impl<'de> serde::Deserialize<'de> for Chained {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let first = u8::deserialize(deserializer)?;
            let rest = REST.with_borrow(Clone::clone).expect("set");
            Ok(Self(first, rest.recv().map_err(serde::de::Error::custom)?))
        }
    }
    let _watchdog = watchdog();
    let (sender, receiver) = pipe::<Untyped, Untyped>().expect("pipe");
    let receiver = std::sync::Arc::new(receiver);
    REST.set(Some(std::sync::Arc::clone(&receiver)));
    sender.send(&1u8).expect("send");
    sender.send(&2u8).expect("send");
    let Chained(first, second) = receiver.recv().expect("receive");
    assert_eq!((first, second), (1, 2));
}

#[test]
fn errors_say_what_is_so() {
    let texts = [
        (RecvError::EndOfFile, "the other end of the connection is closed"),
        (RecvError::NotReadable, "the connection is closed for receiving"),
        (RecvError::WouldBlock, "no message is there now"),
        (RecvError::Invalid, "what came is not a message"),
        (RecvError::DescriptorsLost, "a message came with descriptors that this process could not open"),
        (RecvError::NoMemory { length: 9 }, "there is not enough memory for a message of 9 bytes"),
        (RecvError::BufferTooShort { message: vec![0; 3] }, "a message of 3 bytes is longer than the buffer"),
        (
            RecvError::TooLong { length: 5, limit: 4 },
            "a message of 5 bytes is longer than the 4 that were to be accepted",
        ),
    ];
    for (error, text) in texts {
        assert_eq!(error.to_string(), text);
        // what `main` and `unwrap` print
        assert_eq!(format!("{:?}", carom::Error::from(error)), text);
    }
    assert_eq!(SendError::WouldBlock.to_string(), "the connection has no room now");
}
