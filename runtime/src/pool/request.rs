//! Some calls of one task, on the caller's side: the request that holds them, and what the reply says of them.
//!
//! The worker's half, and the form of both, is [`batch`](super::batch).

use std::os::fd::OwnedFd;

use super::batch::record;
use super::buffers::Buffers;
use super::error::{Kind, TaskError};
use super::job::{Outcome, Part, What};
use super::region::MOST_CALLS;
use super::shelf::Shelf;
use crate::__private_0_1::Travels;
use crate::codec::transfer::{self, Outgoing};
use crate::codec::{DecodeError, EncodeError, Reader, Writer};
use crate::task::Task;

/// A request is not made longer than it takes to pass this.
const LONG: usize = 1 << 20;

/// A vector of as many bytes travels as it stands, if it is alone.
pub(super) const BULK: usize = 4 << 10;

/// As much holds the input of most calls.
pub(super) const SMALL: usize = 64;

/// Nor after so many descriptors: there is room for those of one more input.
const MANY_FDS: usize = transfer::MOST / 2;

/// A request that has been encoded.
pub(super) struct Request {
    pub(super) bytes: Vec<u8>,
    /// They are those of a vector of numbers.
    pub(super) bulk: bool,
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
    /// How many are in the request.
    pub(super) fn sent(&self) -> u32 {
        self.sent as u32
    }

    pub(super) fn count(&self) -> usize {
        self.sent + self.refused.len()
    }
}

/// Encodes calls with at most `most` of the inputs, in this memory; none if there are no more inputs.
pub(super) fn request<T: Task>(
    inputs: &mut impl Iterator<Item = T::Input>,
    most: usize,
    memory: Vec<u8>,
) -> Option<Request> {
    let mut inputs = inputs.take(most.min(MOST_CALLS)).peekable();
    let first = inputs.peek()?;
    if most == 1
        && let Some(bulk) = T::CODEC.input.bulk()
        && (bulk.bytes)(first).len() >= BULK
    {
        let calls = Calls { sent: 1, refused: Vec::new() };
        return Some(Request { bytes: (bulk.into_bytes)(inputs.next()?), bulk: true, fds: Vec::new(), calls });
    }
    let mut calls = Calls::default();
    let mut writer = Writer::carrying(memory, true);
    let codec = T::CODEC.input;
    if let Some(many) = codec.many() {
        // numbers, which take some bytes
        let mut numbers = |values: &[T::Input]| match (many.encode)(values, &mut writer) {
            Ok(()) => calls.sent = values.len(),
            Err(error) => calls.refused = (0..values.len()).map(|place| (place, error.clone())).collect(),
        };
        match most {
            1 => inputs.for_each(|value| numbers(std::slice::from_ref(&value))),
            _ => numbers(&inputs.take(LONG / size_of::<T::Input>().max(1)).collect::<Vec<_>>()),
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
    let (bytes, outgoing) = writer.into_parts();
    Some(Request { bytes, bulk: false, fds: outgoing.map(Outgoing::into_fds).unwrap_or_default(), calls })
}

/// What became of the calls of a request, in their order.
pub(super) fn results<O>(
    shelf: &Shelf,
    codec: Travels<O>,
    calls: Calls,
    outcome: Outcome,
    mut each: impl FnMut(Result<O, TaskError>),
) {
    let (Calls { sent, refused }, buffers) = (calls, &shelf.buffers);
    let finished = |result: Result<O, Kind>| result.map_err(|kind| shelf.error(kind));
    if refused.is_empty() {
        return read(codec, sent, outcome, buffers, |result| each(finished(result)));
    }
    let mut of_sent = Vec::with_capacity(sent);
    read(codec, sent, outcome, buffers, |result| of_sent.push(result));
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

/// Reads what became of so many calls.
fn read<O>(
    codec: Travels<O>,
    calls: usize,
    outcome: Outcome,
    buffers: &Buffers,
    mut each: impl FnMut(Result<O, Kind>),
) {
    let mut left = calls;
    for Part { count, what } in outcome.into_parts() {
        let count = left.min(count as usize);
        left -= count;
        match what {
            What::Failed(kind) => (0..count).for_each(|_| each(Err(kind.clone()))),
            What::Numbers(bytes) => {
                let values = codec.many().and_then(|many| (many.numbers)(&bytes));
                buffers.give_back(bytes);
                match values {
                    Some(values) if values.len() == count => values.into_iter().for_each(|value| each(Ok(value))),
                    _ => (0..count).for_each(|_| each(Err(no_reply()))),
                }
            }
            What::Bulk(bytes) => match codec.bulk().and_then(|bulk| (bulk.from_bytes)(bytes)) {
                Some(value) if count == 1 => each(Ok(value)),
                _ => (0..count).for_each(|_| each(Err(no_reply()))),
            },
            What::Records(bytes, fds) => {
                read_records(codec, count, Reader::carrying(&bytes, fds), &mut each);
                buffers.give_back(bytes);
            }
        }
    }
    (0..left).for_each(|_| each(Err(no_reply())));
}

fn no_reply() -> Kind {
    Kind::Refused("its reply is not one".to_owned())
}

fn read_records<O>(codec: Travels<O>, count: usize, mut reader: Reader<'_>, each: &mut impl FnMut(Result<O, Kind>)) {
    for place in 0..count {
        match read_record(&mut reader, codec) {
            Ok(Record::One(result)) => each(result),
            Ok(Record::Refused(reason)) => {
                return (place..count).for_each(|_| each(Err(Kind::Refused(reason.clone()))));
            }
            Err(_) => return (place..count).for_each(|_| each(Err(no_reply()))),
        }
    }
}

enum Record<O> {
    One(Result<O, Kind>),
    Refused(String),
}

fn read_record<O>(reader: &mut Reader<'_>, codec: Travels<O>) -> Result<Record<O>, DecodeError> {
    Ok(Record::One(match reader.take_u8() {
        Some(record::VALUE) => reader.framed(|reader| codec.decode(reader)).map_err(Kind::OutputNotDecoded),
        Some(record::PANICKED) => Err(Kind::Panicked(Box::new(reader.read()?))),
        Some(record::NOT_DECODED) => Err(Kind::InputNotDecoded(reader.read()?)),
        Some(record::NOT_ENCODED) => Err(Kind::OutputNotEncoded(reader.read()?)),
        Some(record::SOFT_TIME_LIMIT) => Err(Kind::SoftTimeLimit),
        Some(record::REFUSED) => return Ok(Record::Refused(reader.read()?)),
        _ => Err(no_reply()),
    }))
}
