//! Local sockets: bytes or messages, with descriptors.
//!
//! # Safety
//! `recvmsg` gets buffers of the sizes that it is told, and descriptors that the kernel has just opened are
//! taken into ownership once. (nix's `recvmsg` loses those of a message that was cut off, allocates, and wants
//! its buffers filled before.)
#![allow(unsafe_code)]

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::sockopt::SndBuf;
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, Shutdown, SockFlag, SockType, send as sys_send, sendmsg, setsockopt,
    shutdown, socketpair,
};

/// The most descriptors that the kernel lets one `sendmsg` take (`SCM_MAX_FD`).
pub(crate) const MOST_FDS: usize = 253;

/// How much a stream may hold of what was sent and not received, if the system allows as much. Each time that it is
/// full costs two wake-ups.
const HELD: usize = 1 << 20;

/// Two connected stream sockets.
pub(crate) fn stream_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (one, other) = socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)?;
    setsockopt(&one, SndBuf, &HELD)?;
    setsockopt(&other, SndBuf, &HELD)?;
    Ok((one, other))
}

/// Two connected sockets that keep the bounds of messages.
pub(crate) fn message_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?)
}

/// One direction of a socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Direction {
    Receiving,
    Sending,
}

/// Ends a direction for all who hold this socket; the other side finds the end, or a broken pipe.
pub(crate) fn end(socket: BorrowedFd<'_>, direction: Direction) -> io::Result<()> {
    let how = match direction {
        Direction::Receiving => Shutdown::Read,
        Direction::Sending => Shutdown::Write,
    };
    Ok(shutdown(socket.as_raw_fd(), how)?)
}

/// Sends bytes, and descriptors with the first of them; returns how many were taken. Without `wait`, nothing
/// taken is an error of kind `WouldBlock`. Goes on after signals.
pub(crate) fn send(socket: BorrowedFd<'_>, parts: &[IoSlice<'_>], fds: &[impl AsFd], wait: bool) -> io::Result<usize> {
    let raw: Vec<RawFd> = fds.iter().map(|fd| fd.as_fd().as_raw_fd()).collect();
    let rights = [ControlMessage::ScmRights(&raw)];
    let control = if raw.is_empty() { &[][..] } else { &rights[..] };
    let flags = MsgFlags::MSG_NOSIGNAL | if wait { MsgFlags::empty() } else { MsgFlags::MSG_DONTWAIT };
    let once = || match (parts, control) {
        // a tenth cheaper
        ([bytes], []) => sys_send(socket.as_raw_fd(), bytes, flags),
        _ => sendmsg::<()>(socket.as_raw_fd(), parts, control, flags, None),
    };
    loop {
        match once() {
            Ok(taken) => return Ok(taken),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// What one receipt brought.
pub(crate) struct Received {
    /// How many bytes; 0 at the end of the other side.
    pub(crate) length: usize,
    pub(crate) fds: Vec<OwnedFd>,
    /// The message was longer than the buffers.
    pub(crate) cut_off: bool,
    /// There were descriptors that this process could not open.
    pub(crate) fds_lost: bool,
}

/// Receives at most `most` bytes to the end of `bytes`, which must have room for them, and further ones into
/// `then`. Without `wait`, nothing there is an error of kind `WouldBlock`. Goes on after signals.
pub(crate) fn receive(
    socket: BorrowedFd<'_>,
    bytes: &mut Vec<u8>,
    most: usize,
    then: &mut [u8],
    wait: bool,
) -> io::Result<Received> {
    let room = bytes.spare_capacity_mut();
    let most = most.min(room.len());
    let mut parts = [part(&mut room[..most]), part(initialised(then))];
    let received = receive_into(socket, &mut parts, wait)?;
    let length = bytes.len() + received.length.min(most);
    // SAFETY: the kernel has written that many bytes behind those that were there.
    unsafe { bytes.set_len(length) };
    Ok(received)
}

/// Receives into `first`, and what does not fit it into `then`. As [`receive`] in all else.
pub(crate) fn receive_exact(
    socket: BorrowedFd<'_>,
    first: &mut [u8],
    then: &mut [u8],
    wait: bool,
) -> io::Result<Received> {
    let mut parts = [part(initialised(first)), part(initialised(then))];
    receive_into(socket, &mut parts, wait)
}

fn initialised(bytes: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    let (start, length) = (bytes.as_mut_ptr().cast::<MaybeUninit<u8>>(), bytes.len());
    // SAFETY: the same memory, borrowed as long; `receive_into` writes nothing but bytes to it.
    unsafe { std::slice::from_raw_parts_mut(start, length) }
}

fn part(room: &mut [MaybeUninit<u8>]) -> libc::iovec {
    libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() }
}

/// Space for the control message that brings descriptors, aligned as its header must be.
#[repr(C)]
struct Control {
    header: libc::cmsghdr,
    // an even number leaves no padding behind them
    fds: [RawFd; MOST_FDS + 1],
}

/// The parts are of buffers that are borrowed for the time of the call.
fn receive_into(socket: BorrowedFd<'_>, parts: &mut [libc::iovec; 2], wait: bool) -> io::Result<Received> {
    let mut control = MaybeUninit::<Control>::uninit();
    // SAFETY: zeros are a valid header, without any parts.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = parts.as_mut_ptr();
    header.msg_iovlen = parts.iter().rposition(|part| part.iov_len > 0).map_or(0, |last| last + 1) as _;
    header.msg_control = control.as_mut_ptr().cast();
    header.msg_controllen = size_of::<Control>();
    let flags = libc::MSG_CMSG_CLOEXEC | if wait { 0 } else { libc::MSG_DONTWAIT };
    let length = loop {
        // SAFETY: the header points to buffers of the sizes that it tells, which live on.
        let received = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, flags) };
        match usize::try_from(received) {
            Ok(length) => break length,
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => {}
                error => return Err(error),
            },
        }
    };
    Ok(Received {
        length,
        // a message that was cut off may have brought descriptors all the same: own them, so that they close
        fds: take_fds(&header),
        cut_off: header.msg_flags & libc::MSG_TRUNC != 0,
        fds_lost: header.msg_flags & libc::MSG_CTRUNC != 0,
    })
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
