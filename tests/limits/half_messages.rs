//! Messages of which a part had gone out or come in when the limit passed: none is lost, and none is taken for another one.
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use carom::{Connection, Event, RecvError, SendError, Sender, pipe};

use crate::common::watchdog;
use crate::connections::{LARGE, until_there};
use crate::stage::pool_of;

/// How to receive a message.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
enum How {
    Value,
    Bytes,
    BytesUpTo,
    Into,
}

impl How {
    const ALL: [Self; 4] = [Self::Value, Self::Bytes, Self::BytesUpTo, Self::Into];

    fn receive(self, end: &Connection) -> Result<Vec<u8>, RecvError> {
        match self {
            Self::Value => end.recv::<Vec<u8>>(),
            Self::Bytes => end.recv_bytes(None),
            Self::BytesUpTo => end.recv_bytes(Some(LARGE * 2)),
            Self::Into => {
                let mut buffer = vec![0; LARGE * 2];
                let length = end.recv_bytes_into(&mut buffer)?;
                buffer.truncate(length);
                Ok(buffer)
            }
        }
    }
}

/// Receives a message, of which a part is there, until that is ended, and then the whole of it and another one.
#[carom::task(soft_timeout = "20ms")]
fn receive_in_parts(end: Connection, how: How, over: Event) -> Result<[Vec<u8>; 2], String> {
    for _ in 0..2 {
        match how.receive(&end) {
            Err(RecvError::SoftTimeLimitExceeded { .. }) => {}
            other => return Err(format!("{other:?}")),
        }
    }
    over.set();
    let next = || {
        until_there(&end);
        how.receive(&end).map_err(|error| error.to_string())
    };
    Ok([next()?, next()?])
}

/// A message as it lies in the stream.
fn frame(message: &[u8], how: How) -> Vec<u8> {
    let (mut stream, end) = UnixStream::pair().expect("sockets");
    let end: Connection = end.into();
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).expect("read");
            bytes
        });
        match how {
            How::Value => end.send(message).expect("send"),
            _ => end.send_bytes(message).expect("send"),
        }
        end.close();
        reader.join().expect("no panic")
    })
}

#[carom::test]
fn what_has_come_of_a_message_is_kept() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    for how in How::ALL {
        for length in [100, 100_000] {
            let message: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            let (first, second) = (frame(&message, how), frame(b"the next one", how));
            for part in [2, 6, first.len() / 2, first.len() - 1] {
                let (mut ours, theirs) = UnixStream::pair().expect("sockets");
                ours.write_all(&first[..part]).expect("write");
                let over = Event::new().expect("memory");
                let result = pool.apply_async(receive_in_parts, (theirs.into(), how, over.clone()));
                over.wait();
                ours.write_all(&first[part..]).expect("write");
                ours.write_all(&second).expect("write");
                let received = result.get().expect("a result");
                assert_eq!(received, Ok([message.clone(), b"the next one".to_vec()]), "{how:?} {length} {part}");
            }
        }
    }
}

fn until_flushed(end: &Connection) -> Result<(), String> {
    loop {
        match end.flush() {
            Err(SendError::SoftTimeLimitExceeded { .. }) => std::thread::yield_now(),
            other => return other.map_err(|error| error.to_string()),
        }
    }
}

/// Sends a message for which there is no room, then the rest of it, and another one.
#[carom::task(soft_timeout = "20ms")]
fn send_in_parts(end: Connection, bytes: bool, over: Event) -> Result<(), String> {
    let sent = if bytes { end.send_bytes(&vec![1; LARGE]) } else { end.send(&vec![1_u8; LARGE]) };
    let begun = |sent: Result<(), SendError>| match sent {
        Err(SendError::SoftTimeLimitExceeded { begun, .. }) => Ok(begun),
        other => Err(format!("{other:?}")),
    };
    if !begun(sent)? {
        return Err("nothing was sent".to_owned());
    }
    // neither the rest nor another one
    if begun(end.flush())? || begun(end.send(&vec![2_u8; 3]))? {
        return Err("another one was begun".to_owned());
    }
    over.set();
    until_flushed(&end)?;
    let again = if bytes { end.send_bytes(&[3; 3]) } else { end.send(&vec![3_u8; 3]) };
    again.map_err(|error| error.to_string())
}

#[carom::test]
fn the_rest_of_a_message_goes_out_before_the_next_one() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    for bytes in [false, true] {
        let (ours, theirs) = pipe().expect("a pipe");
        let over = Event::new().expect("memory");
        let result = pool.apply_async(send_in_parts, (theirs, bytes, over.clone()));
        over.wait();
        let receive = |ours: &Connection| if bytes { ours.recv_bytes(None) } else { ours.recv::<Vec<u8>>() };
        assert_eq!(receive(&ours).expect("the first"), vec![1; LARGE]);
        assert_eq!(receive(&ours).expect("the second"), vec![3; 3]);
        assert!(matches!(receive(&ours), Err(RecvError::EndOfFile)));
        assert_eq!(result.get().expect("a result"), Ok(()));
    }
}

/// Gives the end up with the rest of a message.
#[carom::task(soft_timeout = "20ms")]
fn send_a_part(end: Sender<Vec<u8>>) -> bool {
    matches!(end.send(&vec![1; LARGE]), Err(SendError::SoftTimeLimitExceeded { begun: true, .. }))
}

#[carom::test]
fn a_message_that_is_not_sent_to_its_end_is_found_cut_off() {
    let _watchdog = watchdog();
    let (ours, theirs) = pipe::<carom::Never, Vec<u8>>().expect("a pipe");
    assert!(pool_of(1).apply(send_a_part, theirs).expect("a result"));
    assert!(matches!(ours.recv(), Err(RecvError::Truncated { .. })));
    assert!(matches!(ours.recv(), Err(RecvError::EndOfFile)));
}

/// Sends an end that has read ahead, with more than there is room for.
#[carom::task(soft_timeout = "20ms")]
fn send_an_end_in_parts(end: Connection, other: Connection, over: Event) -> Result<bool, String> {
    if other.recv::<u8>().map_err(|error| error.to_string())? != 1 {
        return Err("not the first".to_owned());
    }
    let message = (other, vec![1_u8; LARGE]);
    match end.send(&message) {
        Err(SendError::SoftTimeLimitExceeded { begun: true, .. }) => {}
        sent => return Err(format!("{sent:?}")),
    }
    over.set();
    until_flushed(&end)?;
    // what it had read ahead has gone
    message.0.poll(std::time::Duration::ZERO).map_err(|error| error.to_string())
}

#[carom::test]
fn what_goes_along_with_a_message_has_gone_when_a_part_has() {
    let _watchdog = watchdog();
    let (ours, theirs) = pipe().expect("a pipe");
    let (source, sink) = pipe().expect("a pipe");
    for number in 1..4_u8 {
        source.send(&number).expect("send");
    }
    let over = Event::new().expect("memory");
    let pool = pool_of(1);
    let result = pool.apply_async(send_an_end_in_parts, (theirs, sink, over.clone()));
    over.wait();
    let (sink, _) = ours.recv::<(Connection, Vec<u8>)>().expect("the message");
    assert_eq!(result.get().expect("a result"), Ok(false));
    assert_eq!([sink.recv::<u8>().expect("the second"), sink.recv().expect("the third")], [2, 3]);
}
