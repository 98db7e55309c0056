//! Descriptors and connections as parts of arguments and messages.
use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read, Seek, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use carom::{Connection, Fd, PipeBuilder, Process, Receiver, RecvError, SendError, Untyped, pipe};
use serde::{Deserialize, Serialize, Serializer};

use crate::common::{until_disconnected, watchdog};

/// One of each, with and without the wrapper.
#[derive(Serialize, Deserialize)]
struct Parcel {
    #[serde(with = "carom::fd")]
    file: File,
    #[serde(with = "carom::fd")]
    owned: OwnedFd,
    reader: Fd<PipeReader>,
    #[serde(with = "carom::fd")]
    writer: PipeWriter,
    stream: Option<Fd<UnixStream>>,
    connection: Connection<u8, String>,
}

/// What shows that a parcel is whole.
struct Proof {
    file: File,
    stream: UnixStream,
    to_reader: PipeWriter,
    from_writer: PipeReader,
    connection: Connection<String, u8>,
}

fn temporary_file(text: &str) -> File {
    // a name that is never seen: the file is removed at once
    let path = std::env::temp_dir().join(format!("carom-handles-{}-{text}", std::process::id()));
    let mut file = File::options().create_new(true).read(true).write(true).open(&path).expect("create");
    std::fs::remove_file(&path).expect("remove");
    write!(file, "{text}").expect("write");
    file.rewind().expect("seek");
    file
}

fn packed(name: &str) -> (Parcel, Proof) {
    let file = temporary_file(name);
    let (reader, to_reader) = std::io::pipe().expect("pipe");
    let (from_writer, writer) = std::io::pipe().expect("pipe");
    let (stream, other) = UnixStream::pair().expect("socketpair");
    let (connection, proof) = pipe().expect("pipe");
    let owned = File::open("/dev/null").expect("open").into();
    let proof =
        Proof { file: file.try_clone().expect("dup"), stream: other, to_reader, from_writer, connection: proof };
    (Parcel { file, owned, reader: Fd(reader), writer, stream: Some(Fd(stream)), connection }, proof)
}

/// Uses all that is in the parcel.
fn use_up(mut unpacked: Parcel) {
    let mut text = String::new();
    unpacked.file.read_to_string(&mut text).expect("read");
    assert_eq!(File::from(unpacked.owned).read(&mut [0]).expect("read"), 0);
    unpacked.reader.read_to_string(&mut text).expect("read");
    write!(unpacked.writer, "{text}").expect("write");
    write!(unpacked.stream.expect("a stream"), "{text}").expect("write");
    assert_eq!(unpacked.connection.recv().expect("recv"), "question");
    unpacked.connection.send(&9).expect("send");
}

impl Proof {
    fn check(mut self, name: &str) {
        write!(self.to_reader, ", read").expect("write");
        drop(self.to_reader);
        self.connection.send(&"question".to_owned()).expect("send");
        // each ends, so no copy is left in this process
        for ended in [&mut self.from_writer as &mut dyn Read, &mut self.stream] {
            let mut text = String::new();
            ended.read_to_string(&mut text).expect("read");
            assert_eq!(text, format!("{name}, read"));
        }
        assert_eq!(self.connection.iter().collect::<Result<Vec<u8>, _>>().expect("answers"), [9]);
        assert_eq!(self.file.stream_position().expect("tell"), name.len() as u64, "the position is shared");
    }
}

#[carom::task]
fn use_argument(unpacked: Parcel, note: Vec<u8>, another: Fd<PipeWriter>) {
    use_up(unpacked);
    write!({ another }, "{}", note.len()).expect("write");
}

#[carom::test]
fn descriptors_of_every_kind_are_arguments() {
    let _watchdog = watchdog();
    // arguments that fit the message and those that do not
    for length in [1, 100_000] {
        let name = format!("argument{length}");
        let (unpacked, proof) = packed(&name);
        let (mut reader, writer) = std::io::pipe().expect("pipe");
        let process = Process::spawn(use_argument, (unpacked, vec![0; length], Fd(writer))).expect("spawn");
        proof.check(&name);
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("read");
        assert_eq!(text, length.to_string());
        process.join().expect("join").exit_ok().expect("success");
    }
}

#[carom::task]
fn use_messages(parcels: Receiver<Parcel>) {
    parcels.iter().for_each(|unpacked| use_up(unpacked.expect("a parcel")));
}

#[carom::test]
fn descriptors_of_every_kind_are_parts_of_messages() {
    let _watchdog = watchdog();
    let (receiver, sender) = PipeBuilder::new().one_way().expect("pipe");
    let process = Process::spawn(use_messages, receiver).expect("spawn");
    for name in ["first", "second"] {
        let (unpacked, proof) = packed(name);
        sender.send(&unpacked).expect("send");
        drop(unpacked);
        proof.check(name);
    }
    sender.close();
    process.join().expect("join").exit_ok().expect("success");
}

#[carom::task]
fn follow(carrier: Connection) {
    let next: Connection = carrier.recv().expect("a connection on a connection");
    let last: Connection<u8, u8> = next.recv().expect("and one on that");
    last.send(&(last.recv().expect("recv") + 1)).expect("send");
}

#[carom::test]
fn a_connection_goes_on_a_connection_that_came_on_a_connection() {
    let _watchdog = watchdog();
    let (one, carrier) = pipe().expect("pipe");
    let process = Process::spawn(follow, carrier).expect("spawn");
    let (two, next): (Connection, Connection) = pipe().expect("pipe");
    let (three, last) = pipe::<u8, u8>().expect("pipe");
    // the innermost lies in the stream before its carrier leaves this process
    two.send(&last).expect("send");
    one.send(&next).expect("send");
    drop((last, next));
    three.send(&1).expect("send");
    assert_eq!(three.recv().expect("recv"), 2);
    assert!(matches!(three.recv(), Err(RecvError::EndOfFile)));
    process.join().expect("join").exit_ok().expect("success");
}

#[carom::task]
fn take_turns(carrier: Receiver<Connection<String, u8>>, turns: Receiver<u8>) {
    let shared = carrier.recv().expect("a connection");
    for turn in turns.iter().map(|turn| turn.expect("a turn")) {
        assert_eq!(shared.recv().expect("recv"), turn);
        shared.send(&format!("child {turn}")).expect("send");
    }
}

#[carom::test]
fn an_end_that_two_processes_hold_is_used_by_turns() {
    let _watchdog = watchdog();
    let (receiver, carrier) = PipeBuilder::new().one_way().expect("pipe");
    let (turns, turn) = PipeBuilder::new().one_way().expect("pipe");
    let process = Process::spawn(take_turns, (receiver, turns)).expect("spawn");
    let (shared, other) = pipe::<String, u8>().expect("pipe");
    carrier.send(&shared).expect("send");
    for number in (0..100).step_by(2) {
        // both lie in the socket, and neither process takes more than its own
        other.send(&number).expect("send");
        other.send(&(number + 1)).expect("send");
        assert_eq!(shared.recv().expect("recv"), number);
        shared.send(&format!("parent {number}")).expect("send");
        turn.send(&(number + 1)).expect("send");
        assert_eq!(other.recv().expect("recv"), format!("parent {number}"));
        assert_eq!(other.recv().expect("recv"), format!("child {}", number + 1));
    }
    turn.close();
    process.join().expect("join").exit_ok().expect("success");
}

#[test]
fn neither_holder_of_a_shared_end_reads_ahead() {
    let _watchdog = watchdog();
    let (carrier, receiver) = pipe::<Connection<u8, u8>, Connection<u8, u8>>().expect("pipe");
    let (shared, other) = pipe::<u8, u8>().expect("pipe");
    carrier.send(&shared).expect("send");
    let copy = receiver.recv().expect("recv");
    (0..100).for_each(|number| other.send(&number).expect("send"));
    for number in (0..100).step_by(2) {
        assert_eq!(shared.recv().expect("recv"), number);
        assert_eq!(copy.recv().expect("recv"), number + 1);
    }
}

struct Refuses;

impl Serialize for Refuses {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("on purpose"))
    }
}

struct Panics;

impl Serialize for Panics {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("on purpose")
    }
}

#[test]
fn a_send_that_fails_gives_back_what_was_read_ahead() {
    let _watchdog = watchdog();
    let (carrier, receiver) = pipe::<Untyped, Untyped>().expect("pipe");
    let (one, other) = pipe::<Untyped, Untyped>().expect("pipe");
    let (mut reader, writer) = std::io::pipe().expect("pipe");
    other.send(&1u8).expect("send");
    other.send("two").expect("send");
    other.send(&Fd(writer)).expect("send");
    other.send(&4u8).expect("send");
    assert_eq!(one.recv::<u8>().expect("recv"), 1);
    assert!(matches!(carrier.send(&(&one, Refuses)), Err(SendError::Encode { .. })));
    assert!(matches!(carrier.send(&(&one, &one, Refuses)), Err(SendError::Encode { .. })));
    let send = std::panic::AssertUnwindSafe(|| carrier.send(&(&one, Panics)));
    std::panic::catch_unwind(send).expect_err("it panics");
    assert_eq!(one.recv::<String>().expect("recv"), "two");
    // and when nobody receives, with a descriptor read ahead
    assert!(one.poll(std::time::Duration::ZERO).expect("poll"));
    receiver.close();
    until_disconnected(&carrier);
    assert!(matches!(carrier.send(&one), Err(SendError::Disconnected)));
    write!(one.recv::<Fd<PipeWriter>>().expect("recv"), "three").expect("write");
    assert_eq!(one.recv::<u8>().expect("recv"), 4);
    let mut text = String::new();
    reader.read_to_string(&mut text).expect("no copy is left");
    assert_eq!(text, "three");
}

#[test]
fn an_end_with_the_rest_of_a_message_does_not_travel() {
    let _watchdog = watchdog();
    let (carrier, receiver) = pipe::<Untyped, Untyped>().expect("pipe");
    let (one, other) = PipeBuilder::new().rnonblock(true).duplex::<Untyped, Untyped>().expect("pipe");
    one.send_bytes(&[0; 4 << 20]).expect("it is accepted");
    let error = carrier.send(&one).expect_err("a part only");
    assert!(format!("{error:?}").contains("call its `flush` before"), "{error:?}");
    std::thread::scope(|scope| {
        scope.spawn(|| one.flush().expect("flush"));
        assert_eq!(other.recv_bytes(None).expect("recv").len(), 4 << 20);
    });
    carrier.send(&one).expect("send");
    let moved: Connection = receiver.recv().expect("recv");
    assert!(matches!(moved.recv::<u8>(), Err(RecvError::WouldBlock)), "it does not block there either");
}
