//! The private socket between a parent and one child: whole messages, with descriptors.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::socket::{self, Received};

/// One end. Messages keep their bounds (`SOCK_SEQPACKET`); the end of the other process is an end of file.
#[derive(Debug)]
pub(crate) struct Channel(OwnedFd);

/// One received message.
pub(crate) struct Message {
    pub(crate) bytes: Vec<u8>,
    pub(crate) fds: Vec<OwnedFd>,
}

impl Channel {
    pub(crate) fn pair() -> io::Result<(Self, Self)> {
        let (one, other) = socket::message_pair()?;
        Ok((Self(one), Self(other)))
    }

    /// Takes a descriptor that is said to be an end; the first call on it finds out.
    pub(crate) fn from_fd(fd: OwnedFd) -> Self {
        Self(fd)
    }

    /// Sends one message; it must fit the socket's buffer, or the call waits for a reader.
    pub(crate) fn send(&self, parts: &[IoSlice<'_>], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        socket::send(self.0.as_fd(), parts, fds, true).map(drop)
    }

    /// Receives one message of at most `capacity` bytes; none at the end of the other side. Without
    /// `wait`, a message that is not there yet is an error of kind `WouldBlock`.
    pub(crate) fn receive(&self, capacity: usize, wait: bool) -> io::Result<Option<Message>> {
        let mut bytes = Vec::with_capacity(capacity);
        let received = socket::receive(self.0.as_fd(), &mut bytes, capacity, &mut [], wait)?;
        let Received { length, fds, cut_off, fds_lost } = received;
        let invalid = |what| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        if cut_off {
            return invalid("a message was longer than agreed");
        }
        if fds_lost {
            return invalid("this process may not open as many descriptors as it was sent");
        }
        Ok(if length == 0 && fds.is_empty() { None } else { Some(Message { bytes, fds }) })
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn descriptors_of_a_message_that_is_cut_off_are_closed() {
        let (one, other) = Channel::pair().expect("socketpair");
        for (length, count) in [(9, 20), (9, 1), (9, 0)] {
            let (mut reader, writer) = io::pipe().expect("pipe");
            one.send(&[IoSlice::new(&[7; 9][..length])], &vec![writer.as_fd(); count]).expect("send");
            drop(writer);
            let error = other.receive(8, true).map(|_| ()).expect_err("too long");
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            // its end is seen only if no copy of the other end is left
            assert_eq!(reader.read(&mut [0]).expect("read"), 0);
        }
    }

    #[test]
    fn descriptors_arrive_in_order() {
        let (one, other) = Channel::pair().expect("socketpair");
        let (mut readers, writers): (Vec<_>, Vec<_>) = (0..20).map(|_| io::pipe().expect("pipe")).unzip();
        one.send(&[IoSlice::new(b"x")], &writers.iter().map(AsFd::as_fd).collect::<Vec<_>>()).expect("send");
        drop(writers);
        let message = other.receive(1, true).expect("receive").expect("a message");
        assert_eq!((message.bytes.as_slice(), message.fds.len()), (&b"x"[..], 20));
        for (i, fd) in message.fds.into_iter().enumerate() {
            use std::io::Write;
            std::fs::File::from(fd).write_all(&[i as u8]).expect("write");
            let mut byte = [0];
            readers[i].read_exact(&mut byte).expect("read");
            assert_eq!(byte, [i as u8]);
        }
    }
}
