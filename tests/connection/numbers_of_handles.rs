//! How many descriptors travel, where they may, and that none is left behind.
use std::fs::File;
use std::io::{PipeReader, Read, Write};
use std::os::fd::OwnedFd;

use carom::{Connection, Fd, Process, Receiver, RecvError, SendError, Sender, SpawnError, Untyped, pipe};
use serde::de::value::{Error, U32Deserializer};
use serde::{Deserialize, Serialize};

use crate::common::outside::Outside;
use crate::common::watchdog;
use crate::raw::{alone, open_fds};

fn readers(count: usize) -> Vec<Fd<PipeReader>> {
    let made = (0..count).map(|i| {
        let (reader, mut writer) = std::io::pipe().expect("pipe");
        writer.write_all(&(i as u16).to_le_bytes()).expect("write");
        Fd(reader)
    });
    made.collect()
}

fn check(readers: Vec<Fd<PipeReader>>, count: usize) {
    assert_eq!(readers.len(), count);
    for (i, mut reader) in readers.into_iter().enumerate() {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).expect("read");
        assert_eq!(bytes, (i as u16).to_le_bytes());
    }
}

#[test]
fn a_message_carries_many_descriptors() {
    let _watchdog = watchdog();
    let (one, other) = pipe::<Untyped, Untyped>().expect("pipe");
    for count in [200, 250, 1, 0] {
        one.send(&readers(count)).expect("send");
        check(other.recv().expect("recv"), count);
    }
}

#[carom::task]
fn check_argument(given: Vec<Fd<PipeReader>>, filling: Vec<u8>) {
    check(given, 250);
    print!("{}", filling.len());
}

#[carom::test]
fn arguments_carry_as_many_beside_what_carom_needs_itself() {
    let _watchdog = watchdog();
    let given = || (readers(250), vec![0; 100_000]);
    assert_eq!(crate::common::stdout_of(Process::builder(), check_argument, given()).0, "100000");
    let error = Process::spawn(check_argument, (readers(251), vec![])).expect_err("too many");
    assert!(matches!(error, SpawnError::Encode { .. }), "{error:?}");
    assert!(format!("{error:?}").contains("more than 250 descriptors"), "{error:?}");
}

#[carom::task]
fn send_too_many() {
    let (one, other) = pipe::<Untyped, Untyped>().expect("pipe");
    let file = File::open("/dev/null").expect("open");
    let before = open_fds();
    for _ in 0..5 {
        let fds: Vec<Fd<&File>> = (0..251).map(|_| Fd(&file)).collect();
        let error = one.send(&fds).expect_err("too many");
        assert!(matches!(error, SendError::Encode { .. }));
        assert!(
            format!("{error:?}").ends_with("it has more than 250 descriptors, which no message can carry"),
            "{error:?}"
        );
        assert_eq!(open_fds(), before);
    }
    one.send(&7u8).expect("send");
    assert_eq!(other.recv::<u8>().expect("nothing of them was sent"), 7);
}

#[carom::test]
fn more_than_a_message_carries_is_an_error_and_nothing_is_left_open() {
    let _watchdog = watchdog();
    alone(send_too_many, ());
}

#[carom::task]
fn receive_thousand(receiver: Receiver<(u32, Connection, Vec<Fd<File>>)>, done: Sender<u32>) {
    let mut first = None;
    for letter in receiver.iter() {
        let (number, connection, files) = letter.expect("recv");
        connection.send(&number).expect("send");
        drop((connection, files));
        assert_eq!(open_fds(), *first.get_or_insert_with(open_fds), "after {number}");
        done.send(&number).expect("send");
    }
}

#[carom::task]
fn send_thousand() {
    let (receiver, sender) = carom::PipeBuilder::new().one_way().expect("pipe");
    let (dones, done) = carom::PipeBuilder::new().one_way::<u32>().expect("pipe");
    let process = Process::spawn(receive_thousand, (receiver, done)).expect("spawn");
    let before = open_fds();
    for number in 0..1000 {
        let (one, other): (Connection, Connection) = pipe().expect("pipe");
        let files = (0..3).map(|_| Fd(File::open("/dev/null").expect("open"))).collect();
        sender.send(&(number, other, files)).expect("send");
        assert_eq!(one.recv::<u32>().expect("recv"), number);
        assert!(matches!(one.recv::<u32>(), Err(RecvError::EndOfFile)), "no copy of the other end is left");
        assert_eq!(dones.recv().expect("recv"), number);
        drop(one);
        assert_eq!(open_fds(), before, "after {number}");
    }
    sender.close();
    process.join().expect("join").exit_ok().expect("success");
}

#[carom::test]
fn a_thousand_transfers_leave_nothing_open_on_either_side() {
    let _watchdog = watchdog();
    alone(send_thousand, ());
}

#[carom::task]
fn start_hundred() {
    let start = || {
        let (one, other) = pipe::<u8, u8>().expect("pipe");
        Process::spawn(close_both, (other, Fd(OwnedFd::from(File::open("/dev/null").expect("open")))))
            .expect("spawn")
            .join()
            .expect("join")
            .exit_ok()
            .expect("success");
        assert!(matches!(one.recv(), Err(RecvError::EndOfFile)));
        // one that fails after its arguments were encoded
        let (_one, other) = pipe::<u8, u8>().expect("pipe");
        let file = Fd(File::open("/dev/null").expect("open").into());
        Process::builder().executable("/no/such/file").spawn(close_both, (other, file)).expect_err("no such file");
    };
    start();
    let before = open_fds();
    (0..100).for_each(|_| start());
    assert_eq!(open_fds(), before);
}

#[carom::task]
fn close_both(connection: Connection<u8, u8>, file: Fd<OwnedFd>) {
    drop((connection, file));
}

#[carom::test]
fn arguments_leave_nothing_open_in_the_parent() {
    let _watchdog = watchdog();
    alone(start_hundred, ());
}

#[test]
fn outside_of_a_message_a_handle_says_where_it_may_go() {
    let _watchdog = watchdog();
    let places = "can go to another process only as an argument of a process or of a task in a pool, as what such a \
                  task returns, or in a message of a `Connection`";
    let (one, other) = pipe::<u8, u8>().expect("pipe");
    // once before anything was sent, and once after
    for _ in 0..2 {
        let error = one.serialize(Outside).expect_err("outside");
        assert_eq!(error.to_string(), format!("a `Connection` {places}"));
        let error = Some(Fd(File::open("/dev/null").expect("open"))).serialize(Outside).expect_err("outside");
        assert_eq!(error.to_string(), format!("a `std::fs::File` {places}"));
        // nothing has become of it
        other.send(&1).expect("send");
        other.send(&2).expect("send");
        assert_eq!((one.recv().expect("recv"), one.recv().expect("recv")), (1, 2));
    }
    let error = Fd::<File>::deserialize(U32Deserializer::<Error>::new(0)).expect_err("outside");
    assert_eq!(error.to_string(), "they name a descriptor that did not come with them");
}
