//! The private socket between a parent and one child: whole messages, with descriptors.
//!
//! # Safety
//! Descriptors that the kernel has just given us are taken into ownership once.
#![allow(unsafe_code)]

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, sendmsg, socketpair,
};

/// One end. Messages keep their bounds (`SOCK_SEQPACKET`); the end of the other process is an end of file.
#[derive(Debug)]
pub(crate) struct Channel(OwnedFd);

/// One received message.
pub(crate) struct Message {
    pub(crate) bytes: Vec<u8>,
    pub(crate) fds: Vec<OwnedFd>,
}

/// The most descriptors that one message brings.
const MOST_FDS: usize = 8;

impl Channel {
    pub(crate) fn pair() -> io::Result<(Self, Self)> {
        let (one, other) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
        Ok((Self(one), Self(other)))
    }

    /// Takes a descriptor that is said to be an end; the first call on it finds out.
    pub(crate) fn from_fd(fd: OwnedFd) -> Self {
        Self(fd)
    }

    /// Sends one message; it must fit the socket's buffer, or the call waits for a reader.
    pub(crate) fn send(&self, parts: &[IoSlice<'_>], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        let raw: Vec<RawFd> = fds.iter().map(AsRawFd::as_raw_fd).collect();
        let rights = [ControlMessage::ScmRights(&raw)];
        let control = if raw.is_empty() { &[][..] } else { &rights[..] };
        loop {
            match sendmsg::<()>(self.0.as_raw_fd(), parts, control, MsgFlags::MSG_NOSIGNAL, None) {
                Ok(_) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Receives one message of at most `capacity` bytes; none at the end of the other side. Without
    /// `wait`, a message that is not there yet is an error of kind `WouldBlock`.
    pub(crate) fn receive(&self, capacity: usize, wait: bool) -> io::Result<Option<Message>> {
        let mut bytes = vec![0; capacity];
        let mut control = nix::cmsg_space!([RawFd; MOST_FDS]);
        let flags = MsgFlags::MSG_CMSG_CLOEXEC | if wait { MsgFlags::empty() } else { MsgFlags::MSG_DONTWAIT };
        let mut parts = [IoSliceMut::new(&mut bytes)];
        let received = loop {
            match recvmsg::<()>(self.0.as_raw_fd(), &mut parts, Some(&mut control), flags) {
                Ok(received) => break received,
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        };
        let length = received.bytes;
        let cut = received.flags.intersects(MsgFlags::MSG_TRUNC | MsgFlags::MSG_CTRUNC);
        let mut fds = Vec::new();
        // a message cut off may have brought descriptors all the same: own them first, so that they close
        for message in received.cmsgs()? {
            if let ControlMessageOwned::ScmRights(raw) = message {
                // SAFETY: the kernel has just opened them for us.
                fds.extend(raw.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
            }
        }
        if cut {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a message was longer than agreed"));
        }
        bytes.truncate(length);
        Ok(if length == 0 && fds.is_empty() { None } else { Some(Message { bytes, fds }) })
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
