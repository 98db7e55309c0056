//! What can go wrong with a message.

use std::io;

use crate::task::SoftTimeLimitExceeded;
use crate::{DecodeError, EncodeError};

/// A message could not be sent.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The value refuses, or holds what cannot travel. Nothing was sent.
    #[error("the message cannot be encoded")]
    Encode {
        /// Why.
        source: EncodeError,
    },
    /// Nobody holds the other end any more, or the other end does not receive.
    #[error("the other end of the connection is closed")]
    Disconnected,
    /// This end has been closed for sending.
    #[error("the connection is closed for sending")]
    NotWritable,
    /// The connection does not block, and has no room now. Nothing was sent.
    #[error("the connection has no room now")]
    WouldBlock,
    /// The [soft time limit](mod@crate::task#soft-time-limits) of the task that sends has passed, and there was no room.
    #[error("there was no room for the message{}", if *.begun { ", but for a part of it" } else { "" })]
    SoftTimeLimitExceeded {
        /// Whether a part of the message went out. Then it counts as sent: the rest is kept, and goes out before the next message, or by
        /// [`flush`](super::Connection::flush). Otherwise nothing was sent.
        begun: bool,
        /// That it has passed.
        source: SoftTimeLimitExceeded,
    },
    /// The system refused. If it had taken a part of the message by then, the other end sees it cut off, and this one
    /// is closed for sending.
    #[error("cannot send")]
    Io(#[from] io::Error),
}

/// A message could not be received.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum RecvError {
    /// The other end is closed, and all that it sent has been received.
    #[error("the other end of the connection is closed")]
    EndOfFile,
    /// The other end closed, or its process ended, in the midst of a message.
    #[error("the other end of the connection closed in the midst of a message, {} bytes of it were there", .received.len())]
    Truncated {
        /// What had come of the message.
        received: Vec<u8>,
        /// How long it was to be, if that had come.
        length: Option<u64>,
    },
    /// The message is longer than [`recv_bytes`](super::Connection::recv_bytes) was to accept. The connection
    /// is closed for receiving, because the message stands between it and the next one.
    #[error("a message of {length} bytes is longer than the {limit} that were to be accepted")]
    TooLong {
        /// The length of the message.
        length: u64,
        /// What was to be accepted.
        limit: usize,
    },
    /// The message is longer than the buffer of [`recv_bytes_into`](super::Connection::recv_bytes_into).
    #[error("a message of {} bytes is longer than the buffer", .message.len())]
    BufferTooShort {
        /// The whole message.
        message: Vec<u8>,
    },
    /// The message is not one of the type that was asked for. The next one can be received.
    #[error("a message of {} bytes cannot be decoded", .message.len())]
    Decode {
        /// Why.
        source: DecodeError,
        /// The whole message. Descriptors that came with it are closed.
        message: Vec<u8>,
    },
    /// The message came with descriptors, and this process may not have as many open. The message is lost; the
    /// next one can be received.
    #[error("a message came with descriptors that this process could not open")]
    DescriptorsLost,
    /// What came is not a message. The connection is closed for receiving.
    #[error("what came is not a message")]
    Invalid,
    /// There is no memory for the message. The connection is closed for receiving.
    #[error("there is not enough memory for a message of {length} bytes")]
    NoMemory {
        /// The length of the message.
        length: u64,
    },
    /// This end has been closed for receiving.
    #[error("the connection is closed for receiving")]
    NotReadable,
    /// The connection does not block, and no whole message is there now. What has come of one is kept.
    #[error("no message is there now")]
    WouldBlock,
    /// The [soft time limit](mod@crate::task#soft-time-limits) of the task that receives has passed, and no whole message was there. What has
    /// come of one is kept.
    #[error("no message came in time")]
    SoftTimeLimitExceeded {
        /// That it has passed.
        source: SoftTimeLimitExceeded,
    },
    /// The system refused.
    #[error("cannot receive")]
    Io(#[from] io::Error),
}

impl From<SoftTimeLimitExceeded> for SendError {
    fn from(source: SoftTimeLimitExceeded) -> Self {
        Self::SoftTimeLimitExceeded { begun: false, source }
    }
}

impl From<SoftTimeLimitExceeded> for RecvError {
    fn from(source: SoftTimeLimitExceeded) -> Self {
        Self::SoftTimeLimitExceeded { source }
    }
}

crate::report::debug_as_report!(SendError);
crate::report::debug_as_report!(RecvError);
