//! The other end is a Python process.
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use carom::{Connection, RecvError};

use crate::common::watchdog;

/// Sends each message back reversed; standard input is the socket.
const MIRROR: &str = "
from multiprocessing.connection import Connection
connection = Connection(0)
while True:
    try:
        message = connection.recv_bytes()
    except EOFError:
        break
    connection.send_bytes(message[::-1])
connection.send_bytes(b'')
connection.send_bytes(b'the end')
";

#[test]
fn bytes_go_to_a_python_connection_and_back() {
    let _watchdog = watchdog();
    let version = Command::new("python3").arg("--version").output();
    if !version.is_ok_and(|output| output.status.success()) {
        eprintln!("!!! SKIPPED: python3 is not on PATH, so nothing was tested with Python's own connections !!!");
        return;
    }
    let (one, other) = UnixStream::pair().expect("socketpair");
    let half = one.try_clone().expect("dup");
    let connection = Connection::<carom::Untyped, carom::Untyped>::from(one);
    let mut python = Command::new("python3");
    python.args(["-c", MIRROR]).stdin(Stdio::from(OwnedFd::from(other)));
    let mut child = python.spawn().expect("python3 starts");
    // the command holds the socket too
    drop(python);
    for length in [0, 1, 5, 16 << 10, (16 << 10) + 1, 1 << 20] {
        let message: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
        connection.send_bytes(&message).expect("send");
        let mut reversed = connection.recv_bytes(None).expect("recv");
        reversed.reverse();
        assert!(reversed == message, "{length}");
    }
    half.shutdown(std::net::Shutdown::Write).expect("shutdown");
    assert_eq!(connection.recv_bytes(None).expect("recv"), b"");
    assert_eq!(connection.recv_bytes(None).expect("recv"), b"the end");
    assert!(matches!(connection.recv_bytes(None), Err(RecvError::EndOfFile)));
    assert!(child.wait().expect("wait").success());
}
