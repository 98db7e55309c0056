//! What a pool and its workers say to each other: some calls of one task, and what became of each.
//!
//! A request is the task's name, the number of calls, and their inputs; a reply is a row of records, each for
//! one call or several, in the order of the calls. Plain numbers go as one block; anything else goes behind its
//! length, so that an input or output that cannot be read costs no other.

use std::os::fd::OwnedFd;
use std::panic::AssertUnwindSafe;

use super::error::{Kind, TaskError};
use super::panics::{self, Panic};
use crate::__private_0_1::{Codec, Many, Travels};
use crate::codec::transfer::{self, Outgoing};
use crate::codec::{DecodeError, EncodeError, Reader, Writer};
use crate::registry;
use crate::report::report;
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

fn put_str(writer: &mut Writer, text: &str) {
    // nothing refuses to be encoded here
    let _ = writer.write(text);
}

/// The records of a reply.
mod record {
    pub(super) const BLOCK: u8 = 0;
    pub(super) const VALUE: u8 = 1;
    pub(super) const PANICKED: u8 = 2;
    pub(super) const NOT_DECODED: u8 = 3;
    pub(super) const NOT_ENCODED: u8 = 4;
    pub(super) const REFUSED: u8 = 5;
}

/// The calls of one request, in a worker.
pub struct Batch<'a> {
    reader: Reader<'a>,
    count: usize,
    writer: Writer,
}

/// Runs the calls of a request; the reply, and the descriptors that go with it.
pub(super) fn answer(request: &[u8], fds: Vec<OwnedFd>, reply: Vec<u8>) -> (Vec<u8>, Vec<OwnedFd>) {
    let mut batch = Batch { reader: Reader::carrying(request, fds), count: 0, writer: Writer::carrying(reply, true) };
    match batch.open() {
        Ok(task) => (task.run)(&mut batch),
        Err(reason) => batch.tell(record::REFUSED, &reason),
    }
    let (bytes, outgoing) = batch.writer.into_parts();
    (bytes, outgoing.map(Outgoing::into_fds).unwrap_or_default())
}

/// A reply to a request of which nothing can be done.
pub(super) fn refusal(reason: &str) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.put_u8(record::REFUSED);
    put_str(&mut writer, reason);
    writer.into_parts().0
}

impl Batch<'_> {
    fn open(&mut self) -> Result<&'static TaskInfo, String> {
        let count = self.reader.take_u64().ok_or("the request is too short")?;
        let name: String = self.reader.read().map_err(|error| report(&error))?;
        self.count = usize::try_from(count).map_err(|_| "the request has too many calls")?;
        registry::find_quickly(&name).ok_or_else(|| {
            format!("no task is named `{name}` in the worker; if a crate that nothing names defines it, write `use that_crate as _;`")
        })
    }

    fn tell(&mut self, record: u8, text: &str) {
        self.writer.put_u8(record);
        put_str(&mut self.writer, text);
    }

    fn fail(&mut self, failure: Failure) {
        match failure {
            Failure::NotDecoded(error) => self.tell(record::NOT_DECODED, &report(&error)),
            Failure::Panicked(panic) => {
                self.writer.put_u8(record::PANICKED);
                // texts and numbers are never refused
                let _ = self.writer.write(&panic);
            }
        }
    }

    fn value<O>(&mut self, value: &O, codec: Travels<O>) {
        let before = self.writer.mark();
        self.writer.put_u8(record::VALUE);
        if let Err(error) = self.writer.framed(|writer| codec.encode(value, writer)) {
            self.writer.go_back(&before);
            self.tell(record::NOT_ENCODED, &report(&error));
        }
    }
}

/// Why a call has no output.
enum Failure {
    NotDecoded(DecodeError),
    Panicked(Panic),
}

/// Does one call, which may panic in the task, in the decoding of its input or in the drop of its output.
fn caught<R>(call: impl FnOnce() -> Result<R, DecodeError>) -> Result<R, Failure> {
    match std::panic::catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(Failure::NotDecoded),
        Err(payload) => Err(Failure::Panicked(panics::taken(payload))),
    }
}

/// Runs the calls of a batch; what a task's own function is reduced to.
pub fn run<I, O>(codec: &Codec<I, O>, call: impl Fn(I) -> O, batch: &mut Batch<'_>) {
    let Codec { input, output } = codec;
    let mut outputs = Outputs { codec: *output, many: output.many(), values: Vec::new() };
    match input.many() {
        Some(many) => match (many.decode)(&mut batch.reader) {
            Ok(inputs) if inputs.len() == batch.count => {
                inputs.into_iter().for_each(|input| outputs.of(batch, |_| Ok(call(input))));
            }
            Ok(_) => batch.tell(record::REFUSED, "the request does not have as many inputs as it says"),
            Err(error) => batch.tell(record::REFUSED, &report(&error)),
        },
        None => {
            let next = |batch: &mut Batch<'_>| batch.reader.framed(|reader| input.decode(reader));
            (0..batch.count).for_each(|_| outputs.of(batch, |batch| Ok(call(next(batch)?))));
        }
    }
    outputs.write(batch);
}

/// Where the outputs of calls go.
struct Outputs<O> {
    codec: Travels<O>,
    many: Option<Many<O>>,
    /// Those that wait to become a block.
    values: Vec<O>,
}

impl<O> Outputs<O> {
    /// Does one call.
    fn of(&mut self, batch: &mut Batch<'_>, call: impl FnOnce(&mut Batch<'_>) -> Result<O, DecodeError>) {
        if self.many.is_some() {
            match caught(|| call(batch)) {
                Ok(value) => self.values.push(value),
                Err(failure) => {
                    self.write(batch);
                    batch.fail(failure);
                }
            }
        } else {
            let before = batch.writer.mark();
            let done = caught(|| {
                let value = call(batch)?;
                batch.value(&value, self.codec);
                Ok(())
            });
            if let Err(failure) = done {
                batch.writer.go_back(&before);
                batch.fail(failure);
            }
        }
    }

    /// Writes those that wait.
    fn write(&mut self, batch: &mut Batch<'_>) {
        let Some(many) = self.many.as_ref().filter(|_| !self.values.is_empty()) else { return };
        let before = batch.writer.mark();
        batch.writer.put_u8(record::BLOCK);
        if let Err(error) = (many.encode)(&self.values, &mut batch.writer) {
            batch.writer.go_back(&before);
            self.values.iter().for_each(|_| batch.tell(record::NOT_ENCODED, &report(&error)));
        }
        self.values.clear();
    }
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
