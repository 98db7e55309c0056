//! Program 2: raw bytes, received with a timeout and a maximum length.
use std::time::Duration;

use carom::{Connection, Process, RecvError, RemoteError, pipe};

use crate::common::watchdog;

const MESSAGES: [&[u8]; 3] = [b"first message", b"", b"\x00\xff raw"];

/// Sends once it is asked to.
#[carom::task]
fn send_raw(connection: Connection) -> Result<(), RemoteError> {
    connection.recv_bytes(None)?;
    for message in MESSAGES {
        connection.send_bytes(message)?;
    }
    Ok(())
}

#[carom::test]
fn three_messages_of_bytes_arrive_and_the_end_is_not_taken_for_no_data_yet() {
    let _watchdog = watchdog();
    let (connection, other) = pipe().expect("pipe");
    let sending = Process::spawn(send_raw, other).expect("spawn");
    assert!(!connection.poll(Duration::from_millis(1)).expect("poll"), "no data yet");

    connection.send_bytes(b"go").expect("send");
    let mut received = Vec::new();
    loop {
        if !connection.poll(Duration::from_millis(5)).expect("poll") {
            continue;
        }
        match connection.recv_bytes(Some(1024)) {
            Ok(message) => received.push(message),
            Err(RecvError::EndOfFile) => break,
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(received, MESSAGES);
    // the end stays the end
    assert!(connection.poll(Duration::ZERO).expect("poll"));
    assert!(matches!(connection.recv_bytes(None), Err(RecvError::EndOfFile)));
    assert_eq!(sending.join().expect("join").code(), Some(0));
}

#[carom::test]
fn a_message_beyond_the_maximum_length_is_refused() {
    let _watchdog = watchdog();
    let (connection, other) = pipe().expect("pipe");
    let sending = Process::spawn(send_raw, other).expect("spawn");
    connection.send_bytes(b"go").expect("send");
    assert_eq!(connection.recv_bytes(Some(13)).expect("no more than that"), MESSAGES[0]);
    assert_eq!(connection.recv_bytes(Some(0)).expect("no more than that"), MESSAGES[1]);
    let error = connection.recv_bytes(Some(5)).expect_err("six bytes");
    assert!(matches!(error, RecvError::TooLong { length: 6, limit: 5 }), "{error:?}");
    assert!(matches!(connection.recv_bytes(None), Err(RecvError::NotReadable)), "the message is in the way");
    assert_eq!(sending.join().expect("join").code(), Some(0));
}
