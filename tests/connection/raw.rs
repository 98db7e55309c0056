//! The other end of a connection, as a stranger might hold it; and what the kernel tells of a socket.
use std::io::IoSlice;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use carom::{Connection, Process, Task};

/// A connection, and the bare socket at its other end.
pub(crate) fn with_stranger() -> (Connection, UnixStream) {
    let (one, other) = UnixStream::pair().expect("socketpair");
    (one.into(), other)
}

/// A frame as Python writes it.
pub(crate) fn frame(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u32).to_be_bytes(), message].concat()
}

/// What stands before a message with descriptors.
pub(crate) fn header_with_fds(fds: u16, length: u64) -> Vec<u8> {
    [&(-2i32).to_be_bytes()[..], &fds.to_be_bytes(), &length.to_be_bytes()].concat()
}

/// Sends bytes and descriptors in one call, whatever the bytes say of them.
pub(crate) fn send_with_fds(socket: &UnixStream, bytes: &[u8], fds: &[BorrowedFd<'_>]) {
    let raw: Vec<i32> = fds.iter().map(AsRawFd::as_raw_fd).collect();
    let size = size_of_val(&raw[..]) as u32;
    // SAFETY: takes an integer.
    let space = unsafe { libc::CMSG_SPACE(size) } as usize;
    // aligned as a header must be
    let mut control = vec![0u64; space.div_ceil(8)];
    let parts = [IoSlice::new(bytes)];
    // SAFETY: zeros are a valid header, without any parts.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    // an `IoSlice` has the layout of an `iovec`, and nothing writes to it
    header.msg_iov = parts.as_ptr().cast_mut().cast();
    header.msg_iovlen = 1;
    header.msg_control = control.as_mut_ptr().cast();
    header.msg_controllen = space;
    // SAFETY: the control buffer has room for one header at least.
    let message = unsafe { &mut *libc::CMSG_FIRSTHDR(&raw const header) };
    message.cmsg_level = libc::SOL_SOCKET;
    message.cmsg_type = libc::SCM_RIGHTS;
    // SAFETY: takes an integer.
    message.cmsg_len = unsafe { libc::CMSG_LEN(size) } as usize;
    // SAFETY: the data follow the header.
    let data = unsafe { libc::CMSG_DATA(message) };
    // SAFETY: the buffer has room for as many descriptors.
    unsafe { std::ptr::copy_nonoverlapping(raw.as_ptr().cast::<u8>(), data, size as usize) };
    // SAFETY: the header points to buffers of the sizes that it tells.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const header, libc::MSG_NOSIGNAL) };
    assert_eq!(sent, bytes.len() as isize, "{}", std::io::Error::last_os_error());
}

/// How many bytes have come to a socket and were not received.
pub(crate) fn queued(socket: &impl AsFd) -> i32 {
    let mut count = 0;
    // SAFETY: the call writes one integer.
    let result = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::FIONREAD, &raw mut count) };
    assert_eq!(result, 0);
    count
}

/// Runs a task in a process of its own, because other tests open files and take memory in the one of the
/// harness.
#[track_caller]
pub(crate) fn alone<T: Task>(task: T, input: T::Input) {
    Process::spawn(task, input).expect("spawn").join().expect("join").exit_ok().expect("success");
}

/// Sets a limit of this process, which is one of its own; it can be raised again.
pub(crate) fn limit(resource: libc::__rlimit_resource_t, most: u64) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a valid structure.
    assert_eq!(unsafe { libc::getrlimit(resource, &raw mut limit) }, 0);
    limit.rlim_cur = most;
    // SAFETY: the pointer is to a valid structure.
    assert_eq!(unsafe { libc::setrlimit(resource, &raw const limit) }, 0);
}

/// How much memory this process has in use, in bytes.
pub(crate) fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("statm");
    let pages: u64 = statm.split(' ').nth(1).expect("fields").parse().expect("a number");
    // SAFETY: takes an integer.
    pages * unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as u64
}

/// How many descriptors this process has open (and one for counting).
pub(crate) fn open_fds() -> usize {
    crate::common::descriptors("self").len()
}
