//! Small messages are read several at once; what is read ahead must not be lost, nor change places.
use std::io::Read;
use std::time::Duration;

use carom::{Connection, Fd, Process, Receiver, RecvError, Sender, Untyped, pipe};
use serde::{Deserialize, Serialize};

use crate::common::watchdog;
use crate::raw::queued;

/// Ends of which the first has read all of `1..=5` and given out 1.
fn read_ahead() -> (Connection<Untyped, u8>, Connection<u8, Untyped>) {
    let (one, other) = pipe().expect("pipe");
    for number in 1..=5 {
        other.send(&number).expect("send");
    }
    assert_eq!(one.recv().expect("recv"), 1);
    assert_eq!(queued(&one), 0, "messages as small as these are read together");
    (one, other)
}

#[test]
fn what_is_read_ahead_counts_in_polling() {
    let _watchdog = watchdog();
    let (one, _other) = read_ahead();
    for number in 2..=5 {
        assert!(one.poll(Duration::ZERO).expect("poll"));
        assert!(one.poll(Duration::MAX).expect("poll"));
        assert_eq!(one.recv().expect("recv"), number);
    }
    assert!(!one.poll(Duration::ZERO).expect("poll"));
}

#[test]
fn what_is_read_ahead_is_there_after_the_end_and_without_blocking() {
    let _watchdog = watchdog();
    let (one, other) = read_ahead();
    other.close();
    one.set_nonblocking(true);
    assert_eq!(one.iter().collect::<Result<Vec<u8>, _>>().expect("numbers"), [2, 3, 4, 5]);
}

#[carom::task]
fn add_up_rest(numbers: Connection<Untyped, u8>) {
    let all: Vec<u8> = numbers.iter().map(|number| number.expect("a number")).collect();
    numbers.send(&all).expect_err("the other end does not exist any more, and the numbers were read to their end");
    assert_eq!(all, [2, 3, 4, 5, 6]);
}

#[carom::test]
fn what_is_read_ahead_goes_with_an_argument() {
    let _watchdog = watchdog();
    let (one, other) = read_ahead();
    let process = Process::spawn(add_up_rest, one).expect("spawn");
    other.send(&6).expect("send");
    other.close();
    process.join().expect("join").exit_ok().expect("success");
}

#[carom::task]
fn answer_from_message(carrier: Receiver<Connection<Untyped, u8>>) {
    let numbers = carrier.recv().expect("a connection");
    let four: Vec<u8> = numbers.iter().take(4).map(|number| number.expect("a number")).collect();
    numbers.send(&four).expect("send");
    numbers.send(&numbers.recv().expect("what comes later")).expect("send");
}

#[carom::test]
fn what_is_read_ahead_goes_with_a_message() {
    let _watchdog = watchdog();
    let (carrier, receiver) = carom::PipeBuilder::new().one_way().map(|(one, other)| (other, one)).expect("pipe");
    let process = Process::spawn(answer_from_message, receiver).expect("spawn");
    let (one, other) = read_ahead();
    carrier.send(&one).expect("send");
    assert!(!one.poll(Duration::ZERO).expect("poll"), "it is in the other process");
    assert_eq!(other.recv::<Vec<u8>>().expect("recv"), [2, 3, 4, 5]);
    other.send(&6).expect("send");
    assert_eq!(other.recv::<u8>().expect("recv"), 6);
    process.join().expect("join").exit_ok().expect("success");
}

#[test]
fn a_part_of_a_message_goes_with_the_end() {
    use std::io::Write;
    let _watchdog = watchdog();
    let (carrier, receiver) = pipe::<Connection, Connection>().expect("pipe");
    for length in [10, 10_000, 3 << 20] {
        let (connection, mut stranger) = crate::raw::with_stranger();
        let message: Vec<u8> = (0..length).map(|i| i as u8).collect();
        let whole = crate::raw::frame(&message);
        let (start, rest) = whole.split_at(length / 2);
        std::thread::scope(|scope| {
            let writing = scope.spawn(|| stranger.write_all(start).expect("write"));
            crate::common::eventually("it has taken the part", || {
                assert!(!connection.poll(Duration::ZERO).expect("poll"));
                writing.is_finished() && queued(&connection) == 0
            });
        });
        let moved = std::thread::scope(|scope| {
            // the part may be more than the carrier takes at once
            scope.spawn(|| carrier.send(&connection).expect("send"));
            receiver.recv().expect("recv")
        });
        drop(connection);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                stranger.write_all(rest).expect("write");
                stranger.write_all(&crate::raw::frame(b"next")).expect("write");
            });
            assert!(moved.recv_bytes(None).expect("recv") == message, "{length}");
            assert_eq!(moved.recv_bytes(None).expect("recv"), b"next");
        });
    }
}

#[derive(Serialize, Deserialize)]
struct Letter {
    name: char,
    enclosed: Option<Fd<std::io::PipeReader>>,
}

/// A letter whose enclosure, if it has one, reads as its name.
fn letter(name: char, enclosed: bool) -> Letter {
    use std::io::Write;
    let enclosed = enclosed.then(|| {
        let (reader, mut writer) = std::io::pipe().expect("pipe");
        write!(writer, "{name}").expect("write");
        Fd(reader)
    });
    Letter { name, enclosed }
}

/// The letter's name, and what its enclosure holds.
fn open(letter: Letter) -> (char, String) {
    let mut text = String::new();
    if let Some(mut enclosed) = letter.enclosed {
        enclosed.read_to_string(&mut text).expect("read");
    }
    (letter.name, text)
}

/// Which letters of a row have enclosures: none, all, alternating, two together…
const ROWS: [&str; 6] = ["....", "EEEE", ".E.E", "E.E.", "..EE", "EE.."];

fn expected(row: &str) -> Vec<(char, String)> {
    let names = row.chars().zip('A'..);
    names.map(|(kind, name)| (name, if kind == 'E' { name.to_string() } else { String::new() })).collect()
}

fn row_of_letters(row: &str) -> (Receiver<Letter>, Sender<Letter>) {
    let (receiver, sender) = carom::PipeBuilder::new().one_way().expect("pipe");
    for (kind, name) in row.chars().zip('A'..) {
        sender.send(&letter(name, kind == 'E')).expect("send");
    }
    (receiver, sender)
}

#[test]
fn descriptors_come_with_their_own_messages() {
    let _watchdog = watchdog();
    for row in ROWS {
        let (receiver, sender) = row_of_letters(row);
        sender.close();
        let opened: Vec<_> = receiver.iter().map(|letter| open(letter.expect("a letter"))).collect();
        assert_eq!(opened, expected(row), "{row}");
        // as bytes, whose descriptors are closed, every other one
        let (receiver, sender) = row_of_letters(row);
        sender.close();
        let untyped: Connection<Untyped, Letter> = pass_on(receiver);
        for expected in expected(row).chunks(2) {
            untyped.recv_bytes(None).expect("recv");
            assert_eq!(open(untyped.recv().expect("recv")), expected[1], "{row}");
        }
    }
}

/// The same end with other types, by way of a message.
fn pass_on(receiver: Receiver<Letter>) -> Connection<Untyped, Letter> {
    let (one, other) = pipe::<Untyped, Untyped>().expect("pipe");
    one.send(&receiver).expect("send");
    other.recv().expect("recv")
}

#[carom::task]
fn open_rest(letters: Receiver<Letter>, row: String, from: usize) {
    let opened: Vec<_> = letters.iter().map(|letter| open(letter.expect("a letter"))).collect();
    assert_eq!(opened, expected(&row)[from..], "{row}");
    assert!(matches!(letters.recv(), Err(RecvError::EndOfFile)));
}

#[carom::test]
fn descriptors_that_were_read_ahead_go_with_the_end() {
    let _watchdog = watchdog();
    let mut processes = Vec::new();
    for row in ROWS {
        for taken in 1..4 {
            let (receiver, sender) = row_of_letters(row);
            sender.close();
            let opened: Vec<_> = receiver.iter().take(taken).map(|letter| open(letter.expect("a letter"))).collect();
            assert_eq!(opened, expected(row)[..taken]);
            processes.push(Process::spawn(open_rest, (receiver, row.to_owned(), taken)).expect("spawn"));
        }
    }
    for process in processes {
        process.join().expect("join").exit_ok().expect("success");
    }
}

#[carom::task]
fn open_two_then_pass_on(carrier: Receiver<Receiver<Letter>>, row: String) {
    let letters = carrier.recv().expect("a connection");
    assert_eq!(open(letters.recv().expect("recv")), expected(&row)[1]);
    Process::spawn(open_rest, (letters, row, 2)).expect("spawn").join().expect("join").exit_ok().expect("success");
}

#[carom::test]
fn an_end_that_goes_from_process_to_process_loses_nothing() {
    let _watchdog = watchdog();
    for row in ROWS {
        let (carried, carrier) = carom::PipeBuilder::new().one_way().expect("pipe");
        let process = Process::spawn(open_two_then_pass_on, (carried, row.to_owned())).expect("spawn");
        let (receiver, sender) = row_of_letters(row);
        sender.close();
        assert_eq!(open(receiver.recv().expect("recv")), expected(row)[0]);
        carrier.send(&receiver).expect("send");
        process.join().expect("join").exit_ok().expect("success");
    }
}
