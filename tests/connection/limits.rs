//! Strangers that claim what is not so, and processes that have nothing left.
use std::io::{PipeReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use carom::{Fd, PipeBuilder, Process, Receiver, RecvError, SendError, Untyped};

use crate::common::{descriptors, watchdog};
use crate::raw::{alone, frame, header_with_fds, limit, open_fds, resident, send_with_fds, with_stranger};

#[carom::task]
fn receive_hostile_lengths() {
    let long = |length: u64| [&(-1i32).to_be_bytes()[..], &length.to_be_bytes()].concat();
    let lengths = [0x7fff_ffff, 1 << 40, 1 << 63, u64::MAX];
    let headers = lengths.into_iter().flat_map(|length| {
        let short = i32::try_from(length).ok().map(|length| length.to_be_bytes().to_vec());
        [Some(long(length)), short, Some(header_with_fds(0, length))].into_iter().flatten().map(move |h| (h, length))
    });
    let before = resident();
    for (header, length) in headers {
        let (connection, mut stranger) = with_stranger();
        stranger.write_all(&header).expect("write");
        stranger.write_all(b"0123456789").expect("write");
        assert!(!connection.poll(Duration::ZERO).expect("poll"));
        connection.set_nonblocking(true);
        assert!(matches!(connection.recv::<Vec<u8>>(), Err(RecvError::WouldBlock)));
        assert!(matches!(connection.recv_bytes(None), Err(RecvError::WouldBlock)));
        assert!(matches!(connection.recv_bytes_into(&mut [0; 100]), Err(RecvError::WouldBlock)));
        connection.set_nonblocking(false);
        drop(stranger);
        let error = connection.recv_bytes(None).expect_err("cut off");
        assert!(
            matches!(&error, RecvError::Truncated { received, length: Some(told) } if received == b"0123456789" && *told == length),
            "{error}"
        );
        assert!(resident() < before + (8 << 20), "{length}: {before} bytes have become {}", resident());
    }
}

#[carom::test]
fn lengths_that_nobody_can_send_take_no_memory() {
    let _watchdog = watchdog();
    alone(receive_hostile_lengths, ());
}

#[test]
fn what_is_no_header_closes_the_end() {
    let _watchdog = watchdog();
    for first in [-3, -4, -100, i32::MIN] {
        let (connection, mut stranger) = with_stranger();
        stranger.write_all(&frame(b"fine")).expect("write");
        stranger.write_all(&i32::to_be_bytes(first)).expect("write");
        stranger.write_all(&[0; 20]).expect("write");
        assert_eq!(connection.recv_bytes(None).expect("recv"), b"fine");
        assert!(connection.poll(Duration::ZERO).expect("poll"), "an error is to be told");
        assert!(matches!(connection.recv_bytes(None), Err(RecvError::Invalid)));
        assert!(!connection.readable() && connection.writable());
        assert!(matches!(connection.recv_bytes(None), Err(RecvError::NotReadable)));
        assert!(connection.poll(Duration::ZERO).expect("poll"));
        let error = stranger.write_all(b"more").expect_err("nobody reads it");
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    }
}

#[test]
fn descriptors_that_did_not_come_are_an_error() {
    let _watchdog = watchdog();
    for length in [1, 100_000] {
        for claimed in [1, 2, 253, 254, u16::MAX] {
            let (connection, mut stranger) = with_stranger();
            stranger.write_all(&header_with_fds(claimed, length)).expect("write");
            stranger.write_all(&vec![0; length as usize]).expect("write");
            assert!(connection.poll(Duration::ZERO).expect("poll"));
            assert!(matches!(connection.recv::<Vec<u8>>(), Err(RecvError::Invalid)));
            assert!(!connection.readable());
        }
    }
    // fewer than claimed
    let (connection, stranger) = with_stranger();
    let bytes = [&header_with_fds(3, 1)[..], &[0]].concat();
    send_with_fds(&stranger, &bytes, &[stranger.as_fd(), stranger.as_fd()]);
    assert!(matches!(connection.recv::<Untouched>(), Err(RecvError::Invalid)));
}

#[derive(Debug, serde::Deserialize)]
struct Untouched;

#[carom::task]
fn receive_unclaimed() {
    let (connection, stranger) = with_stranger();
    let (mut reader, writer) = std::io::pipe().expect("pipe");
    // what is made once
    stranger.try_clone().expect("dup").write_all(&frame(b"")).expect("write");
    connection.recv_bytes(None).expect("recv");
    let before = open_fds();
    let many = |count| vec![writer.as_fd(); count];
    for _ in 0..20 {
        // with messages that say nothing of them, short and long, or fewer, or as bytes, or as another type
        send_with_fds(&stranger, &frame(b"plain"), &many(3));
        assert_eq!(connection.recv_bytes(None).expect("recv"), b"plain");
        send_with_fds(&stranger, &frame(&[0; 50_000]), &many(253));
        assert_eq!(connection.recv_bytes(None).expect("recv").len(), 50_000);
        send_with_fds(&stranger, &[&header_with_fds(1, 2)[..], b"ab"].concat(), &many(4));
        assert_eq!(connection.recv_bytes(None).expect("recv"), b"ab");
        send_with_fds(&stranger, &[&header_with_fds(2, 2)[..], b"ab"].concat(), &many(2));
        assert_eq!(connection.recv_bytes_into(&mut [0; 2]).expect("recv"), 2);
        send_with_fds(&stranger, &[&header_with_fds(2, 2)[..], b"ab"].concat(), &many(2));
        assert!(matches!(connection.recv::<String>(), Err(RecvError::Decode { .. })));
        assert_eq!(open_fds(), before);
    }
    drop(writer);
    assert_eq!(reader.read(&mut [0]).expect("read"), 0, "no copy is left");
}

#[carom::test]
fn descriptors_that_nobody_claims_are_closed() {
    let _watchdog = watchdog();
    alone(receive_unclaimed, ());
}

#[carom::task]
fn receive_flood() {
    // as many pieces as break the bound, so that nothing lies in the socket behind them, and many more
    for (wait, pieces, size) in
        [(false, 3, 1), (false, 3, 2), (false, 50, 1), (true, 3, 1), (true, 3, 2), (true, 50, 1)]
    {
        for into in [false, true] {
            let before = open_fds();
            let (connection, stranger) = with_stranger();
            connection.set_nonblocking(!wait);
            // each with as many as a call takes; what lies in the socket is not open here
            for piece in frame(&[0; 100]).chunks(size).take(pieces) {
                send_with_fds(&stranger, piece, &vec![stranger.as_fd(); 253]);
            }
            assert!(connection.poll(Duration::ZERO).expect("poll"), "an error is to be told");
            assert!(open_fds() <= before + 4 * 253, "{}", open_fds());
            // so it must not wait for the rest of the message
            let received = if into { connection.recv_bytes_into(&mut [0; 100]) } else { connection.recv::<usize>() };
            assert!(matches!(received, Err(RecvError::Invalid)), "{received:?}");
            assert!(!connection.readable());
            drop((connection, stranger));
            assert_eq!(open_fds(), before);
        }
    }
}

#[carom::test]
fn a_flood_of_descriptors_is_refused() {
    let _watchdog = watchdog();
    alone(receive_flood, ());
}

#[carom::task]
fn receive_without_room_for_descriptors(receiver: Receiver<Vec<Fd<OwnedFd>>>, room: u64) {
    let highest = descriptors("self").into_iter().map(|(fd, _)| fd).filter(|fd| *fd < 100).max().expect("some");
    // numbers below the highest may be free, so that there may be more room by a few
    limit(libc::RLIMIT_NOFILE, highest as u64 + 1 + room);
    let error = receiver.recv().map(|fds| fds.len()).expect_err("there is not room for 20");
    assert!(matches!(error, RecvError::DescriptorsLost), "{error}");
    assert!(receiver.readable());
    assert_eq!(receiver.recv().expect("a message without descriptors").len(), 0);
    limit(libc::RLIMIT_NOFILE, 40);
    assert_eq!(receiver.recv().expect("there is room for one").len(), 1);
    assert!(matches!(receiver.recv(), Err(RecvError::EndOfFile)));
}

#[carom::test]
fn descriptors_for_which_a_process_has_no_room_are_told_of() {
    let _watchdog = watchdog();
    for room in [0, 1, 5] {
        let (receiver, sender) = PipeBuilder::new().one_way().expect("pipe");
        for count in [20, 0, 1] {
            let (reader, _writer) = std::io::pipe().expect("pipe");
            let clone = |_| Fd(OwnedFd::from(PipeReader::try_clone(&reader).expect("dup")));
            sender.send(&(0..count).map(clone).collect()).expect("send");
        }
        sender.close();
        alone(receive_without_room_for_descriptors, (receiver, room));
    }
}

#[carom::task]
fn pass_on_what_was_lost(receiver: Receiver<Vec<Fd<OwnedFd>>>) {
    let (one, other) = carom::pipe::<Untyped, Untyped>().expect("pipe");
    let highest = descriptors("self").into_iter().map(|(fd, _)| fd).filter(|fd| *fd < 100).max().expect("some");
    limit(libc::RLIMIT_NOFILE, highest as u64 + 1);
    assert!(receiver.poll(Duration::MAX).expect("poll"), "it is read, without its descriptors");
    limit(libc::RLIMIT_NOFILE, 100);
    one.send(&receiver).expect("send");
    let moved: Receiver<Vec<Fd<OwnedFd>>> = other.recv().expect("recv");
    let error = moved.recv().map(|fds| fds.len()).expect_err("they are lost");
    assert!(matches!(error, RecvError::DescriptorsLost), "{error}");
    assert!(moved.recv().expect("the next message").is_empty());
}

#[carom::test]
fn that_descriptors_were_lost_goes_with_the_end() {
    let _watchdog = watchdog();
    let (receiver, sender) = PipeBuilder::new().one_way().expect("pipe");
    for count in [20, 0] {
        let null = || Fd(OwnedFd::from(std::fs::File::open("/dev/null").expect("open")));
        sender.send(&(0..count).map(|_| null()).collect()).expect("send");
    }
    sender.close();
    alone(pass_on_what_was_lost, receiver);
}

#[carom::task]
fn receive_without_memory(receiver: Receiver<Vec<u8>>) {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("statm");
    let pages: u64 = statm.split(' ').next().expect("fields").parse().expect("a number");
    limit(libc::RLIMIT_AS, pages * 4096 + (64 << 20));
    let error = receiver.recv().expect_err("no memory");
    assert!(matches!(error, RecvError::NoMemory { length } if length > 256 << 20), "{error}");
    assert!(receiver.closed());
}

#[carom::test]
fn a_message_for_which_there_is_no_memory_closes_the_end() {
    let _watchdog = watchdog();
    let (receiver, sender) = PipeBuilder::new().one_way().expect("pipe");
    let process = Process::spawn(receive_without_memory, receiver).expect("spawn");
    assert!(matches!(sender.send(&vec![0; 256 << 20]), Err(SendError::Disconnected)));
    process.join().expect("join").exit_ok().expect("success");
}
