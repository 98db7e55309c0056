//! What parent and child say to each other before the task runs.
//!
//! The parent sends one message: a preamble of fixed form (so that any two builds can tell that they
//! differ), then the body, which is left to the codec. A body that is too long for one message goes into
//! a memfd, so that sending never waits for the child. Descriptors come in the order of [`roles`], and behind
//! them those of the arguments.
//!
//! The child answers once: that it is ready, its arguments decoded, or why it refuses.

use std::fs::File;
use std::io::{self, IoSlice, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use serde::{Deserialize, Serialize};

use crate::codec::transfer::Outgoing;
use crate::codec::{DecodeError, EncodeError, Reader, Writer};
use crate::sys::build_id::BuildId;
use crate::sys::channel::Channel;
use crate::sys::memory_file;

/// Changes with every change of what is said here.
const MAGIC: &[u8; 8] = b"carom\0\0\x02";

/// The longest body that travels in the message itself.
const INLINE: usize = 4096;

const PREAMBLE: usize = MAGIC.len() + BuildId::LENGTH + 1;

/// The longest answer of a child.
const REPLY: usize = 4096;

/// Which descriptors a message brings, beside the lifeline, which comes first.
mod roles {
    pub(super) const STDOUT: u8 = 1;
    pub(super) const BODY: u8 = 2;
    pub(super) const ALL: u8 = STDOUT | BODY;
}

/// The first part of a body; the arguments of the task follow it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Header {
    /// The task, by its registered name.
    pub(crate) task: String,
    /// The process that the child is to be.
    pub(crate) name: String,
    /// Its place among its kin, as `1:2` for the second child of the first.
    pub(crate) lineage: String,
    pub(crate) daemon: bool,
    pub(crate) authkey: Vec<u8>,
    pub(crate) parent_pid: u32,
    pub(crate) parent_name: String,
}

/// What a child is told.
pub(crate) struct Body {
    bytes: Vec<u8>,
    outgoing: Option<Outgoing>,
}

/// Encodes header and arguments into a body.
pub(crate) fn body(
    header: &Header,
    arguments: impl FnOnce(&mut Writer) -> Result<(), EncodeError>,
) -> Result<Body, EncodeError> {
    let mut writer = Writer::carrying(Vec::new(), true);
    writer.write(header)?;
    arguments(&mut writer)?;
    let (bytes, outgoing) = writer.into_parts();
    Ok(Body { bytes, outgoing })
}

/// Takes a body apart: the header, and a reader that stands at the arguments.
pub(crate) fn open(body: &[u8], fds: Vec<OwnedFd>) -> Result<(Header, Reader<'_>), DecodeError> {
    let mut reader = Reader::carrying(body, fds);
    Ok((reader.read()?, reader))
}

/// Sends a body to the child at the other end, before it is started.
pub(crate) fn send(
    channel: &Channel,
    body: Body,
    lifeline: BorrowedFd<'_>,
    stdout: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let Body { bytes: body, outgoing } = body;
    let long = if body.len() > INLINE { Some(memory_file::of(c"carom-arguments", &body)?) } else { None };
    let mut fds = vec![lifeline];
    fds.extend(stdout);
    fds.extend(long.as_ref().map(AsFd::as_fd));
    fds.extend(outgoing.iter().flat_map(Outgoing::fds).map(AsFd::as_fd));
    let mut roles = 0;
    roles |= if stdout.is_some() { roles::STDOUT } else { 0 };
    roles |= if long.is_some() { roles::BODY } else { 0 };
    let inline = if long.is_some() { &[][..] } else { &body };
    let build = BuildId::own();
    let parts = [&MAGIC[..], build.as_bytes(), &[roles][..], inline];
    channel.send(&parts.map(IoSlice::new), &fds)?;
    outgoing.into_iter().for_each(Outgoing::sent);
    Ok(())
}

/// What a child received.
pub(crate) struct Received {
    pub(crate) body: Vec<u8>,
    pub(crate) lifeline: OwnedFd,
    pub(crate) stdout: Option<OwnedFd>,
    /// Those of the arguments.
    pub(crate) fds: Vec<OwnedFd>,
}

/// Why a child has no bootstrap message.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReceiveError {
    #[error("the parent ended before it had sent what to do")]
    ParentGone,
    #[error("the message is not one of carom's, or of a version that this build does not speak")]
    Foreign,
    #[error("the parent is another build of the program; both ends must run the same executable")]
    OtherBuild,
    #[error("the message cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Receives the parent's message; waits for it.
pub(crate) fn receive(channel: &Channel) -> Result<Received, ReceiveError> {
    let message = channel.receive(PREAMBLE + INLINE, true)?.ok_or(ReceiveError::ParentGone)?;
    let (magic, rest) = message.bytes.split_at_checked(MAGIC.len()).ok_or(ReceiveError::Foreign)?;
    let (build, rest) = rest.split_at_checked(BuildId::LENGTH).ok_or(ReceiveError::Foreign)?;
    let (&roles, inline) = rest.split_first().ok_or(ReceiveError::Foreign)?;
    if magic != MAGIC || roles & !roles::ALL != 0 || message.fds.len() < 1 + roles.count_ones() as usize {
        return Err(ReceiveError::Foreign);
    }
    if build != BuildId::own().as_bytes() {
        return Err(ReceiveError::OtherBuild);
    }
    let mut fds = message.fds.into_iter();
    let lifeline = fds.next().ok_or(ReceiveError::Foreign)?;
    let stdout = if roles & roles::STDOUT != 0 { fds.next() } else { None };
    let long = if roles & roles::BODY != 0 { fds.next() } else { None };
    let body = match long {
        Some(long) => {
            let mut body = Vec::new();
            File::from(long).read_to_end(&mut body)?;
            body
        }
        None => inline.to_vec(),
    };
    Ok(Received { body, lifeline, stdout, fds: fds.collect() })
}

/// The child's one answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// The arguments are decoded, and the task runs.
    Ready,
    /// The task will not run, and why.
    Refused(String),
}

impl Reply {
    const READY: u8 = b'r';
    const REFUSED: u8 = b'x';

    pub(crate) fn send(&self, channel: &Channel) -> io::Result<()> {
        let (kind, text) = match self {
            Reply::Ready => (Self::READY, ""),
            Reply::Refused(text) => (Self::REFUSED, &text[..text.floor_char_boundary(REPLY - 1)]),
        };
        channel.send(&[IoSlice::new(&[kind]), IoSlice::new(text.as_bytes())], &[])
    }

    /// What a child has answered by now; none if it has not, or ended without, or said something else.
    pub(crate) fn received(channel: &Channel) -> Option<Self> {
        // a child that ended without reading all that was sent makes the first try fail
        let message = match channel.receive(REPLY, false) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => channel.receive(REPLY, false),
            received => received,
        };
        let message = message.ok()??;
        match message.bytes.split_first()? {
            (&Self::READY, []) => Some(Reply::Ready),
            (&Self::REFUSED, text) => Some(Reply::Refused(String::from_utf8_lossy(text).into_owned())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::lifeline;

    fn exchange(body: &[u8]) -> Received {
        let (parent, child) = Channel::pair().expect("socketpair");
        let (_hold, end) = lifeline::pair().expect("pipe");
        let body = Body { bytes: body.to_vec(), outgoing: None };
        send(&parent, body, end.as_fd(), None).expect("send");
        receive(&child).expect("receive")
    }

    #[test]
    fn bodies_arrive_whole_whether_they_fit_a_message_or_not() {
        for length in [0, 1, INLINE - 1, INLINE, INLINE + 1, 3 << 20] {
            let body: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let received = exchange(&body);
            assert!(received.body == body, "{length}");
            assert!(received.stdout.is_none());
        }
    }

    #[test]
    fn the_end_of_the_parent_is_told_from_a_message() {
        let (parent, child) = Channel::pair().expect("socketpair");
        drop(parent);
        assert!(matches!(receive(&child), Err(ReceiveError::ParentGone)));
    }

    #[test]
    fn a_message_of_another_form_or_build_is_refused() {
        let (parent, child) = Channel::pair().expect("socketpair");
        let (_hold, end) = lifeline::pair().expect("pipe");
        let preamble = |build: &[u8], roles: u8| [MAGIC, build, &[roles]].concat();
        let own = BuildId::own();
        for (bytes, fds) in [
            (b"hello".to_vec(), 1),
            (preamble(own.as_bytes(), 0), 0),
            (preamble(own.as_bytes(), roles::BODY), 1),
            (preamble(own.as_bytes(), 0x80), 2),
            (preamble(&own.as_bytes()[1..], 0), 1),
        ] {
            parent.send(&[IoSlice::new(&bytes)], &vec![end.as_fd(); fds]).expect("send");
            assert!(matches!(receive(&child), Err(ReceiveError::Foreign)), "{bytes:?} with {fds}");
        }
        parent.send(&[IoSlice::new(&preamble(&[7; BuildId::LENGTH], 0))], &[end.as_fd()]).expect("send");
        assert!(matches!(receive(&child), Err(ReceiveError::OtherBuild)));
        parent.send(&[IoSlice::new(&vec![0; 2 * INLINE])], &[end.as_fd()]).expect("send");
        assert!(matches!(receive(&child), Err(ReceiveError::Io(_))));
    }

    #[test]
    fn an_answer_is_taken_if_it_is_there() {
        let (parent, child) = Channel::pair().expect("socketpair");
        assert_eq!(Reply::received(&parent), None);
        for reply in [Reply::Ready, Reply::Refused("no such task".to_owned())] {
            reply.send(&child).expect("send");
            assert_eq!(Reply::received(&parent), Some(reply));
        }
        Reply::Refused("ä".repeat(REPLY)).send(&child).expect("send");
        assert!(matches!(Reply::received(&parent), Some(Reply::Refused(text)) if text.len() > REPLY - 4));
        child.send(&[IoSlice::new(b"hello")], &[]).expect("send");
        assert_eq!(Reply::received(&parent), None);
        // a child that refuses without having read what it was sent
        parent.send(&[IoSlice::new(b"unread")], &[]).expect("send");
        Reply::Refused("no".to_owned()).send(&child).expect("send");
        drop(child);
        assert_eq!(Reply::received(&parent), Some(Reply::Refused("no".to_owned())));
        assert_eq!(Reply::received(&parent), None);
    }
}
