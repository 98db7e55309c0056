//! The private socket between a parent and one child: whole messages, with descriptors.
//!
//! # Safety
//! `recvmsg` gets buffers of the sizes that it is told, and descriptors that the kernel has just opened are
//! taken into ownership once. (nix's `recvmsg` loses those of a message that was cut off.)
#![allow(unsafe_code)]

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, sendmsg, socketpair};

/// One end. Messages keep their bounds (`SOCK_SEQPACKET`); the end of the other process is an end of file.
#[derive(Debug)]
pub(crate) struct Channel(OwnedFd);

/// One received message.
pub(crate) struct Message {
    pub(crate) bytes: Vec<u8>,
    pub(crate) fds: Vec<OwnedFd>,
}

/// The most descriptors that one message brings; an even number leaves no padding in [`Control`].
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
        let mut control = Control::default();
        let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
        // SAFETY: zeros are a valid header, without any parts.
        let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
        header.msg_iov = &raw mut part;
        header.msg_iovlen = 1;
        header.msg_control = (&raw mut control).cast();
        header.msg_controllen = size_of::<Control>();
        let flags = libc::MSG_CMSG_CLOEXEC | if wait { 0 } else { libc::MSG_DONTWAIT };
        let length = loop {
            // SAFETY: the header points to buffers of the sizes that it tells, which live on.
            let received = unsafe { libc::recvmsg(self.0.as_raw_fd(), &raw mut header, flags) };
            match usize::try_from(received) {
                Ok(length) => break length,
                Err(_) => match io::Error::last_os_error() {
                    error if error.kind() == io::ErrorKind::Interrupted => {}
                    error => return Err(error),
                },
            }
        };
        // a message that was cut off may have brought descriptors all the same: own them, so that they close
        let fds = take_fds(&header);
        if header.msg_flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC) != 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a message was longer than agreed"));
        }
        bytes.truncate(length);
        Ok(if length == 0 && fds.is_empty() { None } else { Some(Message { bytes, fds }) })
    }
}

/// Space for the control message that brings descriptors, aligned as its header must be.
#[repr(C)]
struct Control {
    header: libc::cmsghdr,
    fds: [RawFd; MOST_FDS],
}

impl Default for Control {
    fn default() -> Self {
        // SAFETY: both fields are integers, for which zero is valid.
        unsafe { std::mem::zeroed() }
    }
}

/// Takes into ownership what the kernel has opened for us.
fn take_fds(header: &libc::msghdr) -> Vec<OwnedFd> {
    let mut fds = Vec::new();
    // SAFETY: the kernel has filled in the header's control buffer and its length.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(header) };
    // SAFETY: a pointer that is not null is to a whole control message.
    while let Some(message) = unsafe { next.as_ref() } {
        if (message.cmsg_level, message.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
            // SAFETY: the data follow the header.
            let data = unsafe { libc::CMSG_DATA(message) }.cast::<RawFd>();
            // SAFETY: takes an integer.
            let head = unsafe { libc::CMSG_LEN(0) } as usize;
            for i in 0..(message.cmsg_len - head) / size_of::<RawFd>() {
                // SAFETY: the message's length covers this descriptor; the buffer need not be aligned for it.
                let fd = unsafe { data.wrapping_add(i).read_unaligned() };
                // SAFETY: the kernel has just opened it, and it is taken once.
                fds.push(unsafe { OwnedFd::from_raw_fd(fd) });
            }
        }
        // SAFETY: as for the first.
        next = unsafe { libc::CMSG_NXTHDR(header, message) };
    }
    fds
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
        for (length, count) in [(1, MOST_FDS + 1), (1, 3 * MOST_FDS), (9, MOST_FDS), (9, 0)] {
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
        let (mut readers, writers): (Vec<_>, Vec<_>) = (0..MOST_FDS).map(|_| io::pipe().expect("pipe")).unzip();
        one.send(&[IoSlice::new(b"x")], &writers.iter().map(AsFd::as_fd).collect::<Vec<_>>()).expect("send");
        drop(writers);
        let message = other.receive(1, true).expect("receive").expect("a message");
        assert_eq!((message.bytes.as_slice(), message.fds.len()), (&b"x"[..], MOST_FDS));
        for (i, fd) in message.fds.into_iter().enumerate() {
            use std::io::Write;
            std::fs::File::from(fd).write_all(&[i as u8]).expect("write");
            let mut byte = [0];
            readers[i].read_exact(&mut byte).expect("read");
            assert_eq!(byte, [i as u8]);
        }
    }
}
