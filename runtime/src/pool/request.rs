//! Some calls of one task, on the caller's side: the request that holds them, and what the reply says of them.
//!
//! The worker's half, and the form of both, is [`batch`](super::batch).

use std::os::fd::OwnedFd;

use super::batch::{put_str, record};
use super::error::{Kind, TaskError};
use crate::__private_0_1::Travels;
use crate::codec::transfer::{self, Outgoing};
use crate::codec::{DecodeError, EncodeError, Reader, Writer};
use crate::task::{Task, TaskInfo};

/// A request is not made longer than it takes to pass this.
const LONG: usize = 1 << 20;

/// Nor after so many descriptors: there is room for those of one more input.
const MANY_FDS: usize = transfer::MOST / 2;

/// A request that has been encoded.
pub(super) struct Request {
    pub(super) bytes: Vec<u8>,
    pub(super) fds: Vec<OwnedFd>,
    pub(super) calls: Calls,
}

/// What the caller remembers of a request, to make sense of the reply.
#[derive(Default)]
pub(super) struct Calls {
    /// How many there are in the request.
    sent: usize,
    /// Those that are not in the request, by their place among all, in ascending order.
    refused: Vec<(usize, EncodeError)>,
}

impl Calls {
    pub(super) fn count(&self) -> usize {
        self.sent + self.refused.len()
    }

    pub(super) fn none_sent(&self) -> bool {
        self.sent == 0
    }
}

/// Encodes calls with at most `most` of the inputs; none if there are no more inputs.
pub(super) fn request<T: Task>(inputs: &mut impl Iterator<Item = T::Input>, most: usize) -> Option<Request> {
    let mut inputs = inputs.take(most).peekable();
    inputs.peek()?;
    let mut calls = Calls::default();
    let mut writer = Writer::carrying(Vec::new(), true);
    // the number of calls is known at the end, and stands at the beginning
    writer.put_u64(0);
    put_str(&mut writer, T::INFO.name);
    let codec = T::CODEC.input;
    if let Some(many) = codec.many() {
        let values: Vec<T::Input> = inputs.collect();
        calls.sent = values.len();
        if let Err(error) = (many.encode)(&values, &mut writer) {
            calls.sent = 0;
            calls.refused = (0..values.len()).map(|place| (place, error.clone())).collect();
        }
    } else {
        let mut place = 0;
        while writer.written() < LONG
            && writer.fds() < MANY_FDS
            && let Some(input) = inputs.next()
        {
            let before = writer.mark();
            match writer.framed(|writer| codec.encode(&input, writer)) {
                Ok(()) => calls.sent += 1,
                Err(error) => {
                    writer.go_back(&before);
                    calls.refused.push((place, error));
                }
            }
            place += 1;
        }
    }
    writer.set_u64(0, calls.sent as u64);
    let (bytes, outgoing) = writer.into_parts();
    Some(Request { bytes, fds: outgoing.map(Outgoing::into_fds).unwrap_or_default(), calls })
}

/// What became of the calls of a request, in their order.
pub(super) fn results<O>(
    task: &'static TaskInfo,
    codec: Travels<O>,
    calls: Calls,
    reply: &[u8],
    fds: Vec<OwnedFd>,
    mut each: impl FnMut(Result<O, TaskError>),
) {
    let Calls { sent, refused } = calls;
    let finished = |result: Result<O, Kind>| result.map_err(|kind| TaskError::new(task, kind));
    let reader = Reader::carrying(reply, fds);
    if refused.is_empty() {
        return read(codec, sent, reader, |result| each(finished(result)));
    }
    let mut of_sent = Vec::with_capacity(sent);
    read(codec, sent, reader, |result| of_sent.push(result));
    let (mut of_sent, mut refused) = (of_sent.into_iter(), refused.into_iter().peekable());
    for place in 0.. {
        match refused.next_if(|(refused, _)| *refused == place) {
            Some((_, error)) => each(finished(Err(Kind::NotEncoded(error)))),
            None => match of_sent.next() {
                Some(result) => each(finished(result)),
                None => return,
            },
        }
    }
}

/// Reads a reply to `left` calls.
fn read<O>(codec: Travels<O>, mut left: usize, mut reader: Reader<'_>, mut each: impl FnMut(Result<O, Kind>)) {
    let mut fault = "its reply is not one".to_owned();
    while left > 0 {
        let one = match read_record(&mut reader, codec) {
            Ok(Record::Values(values)) if values.len() <= left => {
                left -= values.len();
                values.into_iter().for_each(|value| each(Ok(value)));
                continue;
            }
            Ok(Record::One(result)) => result,
            Ok(Record::Refused(reason)) => {
                fault = reason;
                break;
            }
            _ => break,
        };
        left -= 1;
        each(one);
    }
    (0..left).for_each(|_| each(Err(Kind::Refused(fault.clone()))));
}

enum Record<O> {
    Values(Vec<O>),
    One(Result<O, Kind>),
    Refused(String),
}

fn read_record<O>(reader: &mut Reader<'_>, codec: Travels<O>) -> Result<Record<O>, DecodeError> {
    Ok(match (reader.take_u8(), codec.many()) {
        (Some(record::BLOCK), Some(many)) => Record::Values((many.decode)(reader)?),
        (Some(record::VALUE), _) => {
            Record::One(reader.framed(|reader| codec.decode(reader)).map_err(Kind::OutputNotDecoded))
        }
        (Some(record::PANICKED), _) => Record::One(Err(Kind::Panicked(Box::new(reader.read()?)))),
        (Some(record::NOT_DECODED), _) => Record::One(Err(Kind::InputNotDecoded(reader.read()?))),
        (Some(record::NOT_ENCODED), _) => Record::One(Err(Kind::OutputNotEncoded(reader.read()?))),
        (Some(record::REFUSED), _) => Record::Refused(reader.read()?),
        _ => Record::Refused("its reply is not one".to_owned()),
    })
}
