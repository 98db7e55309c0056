//! Some calls of one task, in a worker: what a request holds and a part of a reply says.
//!
//! A request is the inputs of its calls: plain numbers as one block, anything else each behind its length. A part of a reply is
//! numbers as they stand in memory, or a row of [`record`]s, one for each call. So an input or output that cannot be read costs no other.
//!
//! The caller's half is [`request`](super::request).

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use super::panics::{self, Panic};
use super::reply::Answer;
use super::request::BULK;
use crate::__private_0_1::{Codec, Travels};
use crate::EncodeError;
use crate::codec::{DecodeError, Reader, Writer, is_number, put_number};
use crate::report::report;
use crate::task::{self, Entered, SoftTimeLimitExceeded, TaskInfo};

/// Writes a text, which is never refused.
pub(super) fn put_str(writer: &mut Writer, text: &str) {
    let _ = writer.write(text);
}

/// The records of a reply.
pub(super) mod record {
    pub(in super::super) const VALUE: u8 = 1;
    pub(in super::super) const PANICKED: u8 = 2;
    pub(in super::super) const NOT_DECODED: u8 = 3;
    pub(in super::super) const NOT_ENCODED: u8 = 4;
    /// Of this call, and all that follow.
    pub(in super::super) const REFUSED: u8 = 5;
    pub(in super::super) const SOFT_TIME_LIMIT: u8 = 6;
}

/// A part of a reply that says why there is nothing of what was asked for.
pub(super) fn refusal(reason: &str) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.put_u8(record::REFUSED);
    put_str(&mut writer, reason);
    writer.into_parts().0
}

/// The calls of one request, in a worker.
pub struct Batch<'a> {
    reader: Reader<'a>,
    /// The request is one vector of numbers.
    bulk: bool,
    count: u32,
    answer: Answer<'a>,
    manner: Manner,
}

/// How its calls are made, which they are told.
pub(super) struct Manner {
    pub(super) task: &'static TaskInfo,
    /// After how long each is to come to an end.
    pub(super) soft: Option<Duration>,
    /// How often the first one has been begun before.
    pub(super) attempt: u32,
}

impl Manner {
    /// Makes a call, or each of several, the current one of this thread.
    fn enter(&self, deadline: Option<Instant>) -> Entered {
        task::enter(self.task.name, deadline, self.attempt)
    }
}

impl<'a> Batch<'a> {
    /// So many calls, of which some may have been made before, and where their results go.
    pub(super) fn new(reader: Reader<'a>, bulk: bool, count: u32, answer: Answer<'a>, manner: Manner) -> Self {
        Self { reader, bulk, count, answer, manner }
    }

    /// What has been answered.
    pub(super) fn into_answer(self) -> Answer<'a> {
        self.answer
    }

    fn refuse(&mut self, reason: &str) {
        refuse(&mut self.answer, self.count, reason);
    }

    fn tell(&mut self, record: u8, text: &str) {
        tell(&mut self.answer, record, text);
    }

    fn fail(&mut self, failure: Failure) {
        match failure {
            Failure::NotDecoded(error) => self.tell(record::NOT_DECODED, &report(&error)),
            Failure::NotEncoded(error) => self.tell(record::NOT_ENCODED, &report(&error)),
            Failure::Torn => self.tell(record::NOT_DECODED, NOT_SO_MANY),
            Failure::SoftTimeLimit => self.answer.writer().put_u8(record::SOFT_TIME_LIMIT),
            Failure::Panicked(panic) => {
                let writer = self.answer.writer();
                writer.put_u8(record::PANICKED);
                // texts and numbers are never refused
                let _ = writer.write(&panic);
            }
        }
    }
}

fn tell(answer: &mut Answer<'_>, record: u8, text: &str) {
    let writer = answer.writer();
    writer.put_u8(record);
    put_str(writer, text);
}

/// Answers all of `count` calls that have not been made.
pub(super) fn refuse(answer: &mut Answer<'_>, count: u32, reason: &str) {
    tell(answer, record::REFUSED, reason);
    answer.count(count - answer.place());
}

/// Why a call has no output.
enum Failure {
    NotDecoded(DecodeError),
    NotEncoded(EncodeError),
    /// The request is not what it says.
    Torn,
    SoftTimeLimit,
    Panicked(Panic),
}

/// Does one call, which may panic in the task, in the decoding of its input, or in the encoding or the drop of its output.
fn caught<R>(call: impl FnOnce() -> Result<R, Failure>) -> Result<R, Failure> {
    match std::panic::catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result,
        Err(payload) if payload.is::<SoftTimeLimitExceeded>() => Err(Failure::SoftTimeLimit),
        Err(payload) => Err(Failure::Panicked(panics::taken(payload))),
    }
}

/// Runs the calls of a batch; what a task's own function is reduced to.
pub fn run<I, O>(codec: &Codec<I, O>, call: impl Fn(I) -> O, batch: &mut Batch<'_>) {
    let input = codec.input;
    match input.many() {
        Some(many) => match (many.decode)(&mut batch.reader) {
            Ok(inputs) if inputs.len() == batch.count as usize => {
                let mut inputs = inputs.into_iter().skip(batch.answer.place() as usize);
                // there are as many as calls
                each(codec.output, batch, |_| inputs.next().map(&call).ok_or(Failure::Torn));
            }
            Ok(_) => batch.refuse(NOT_SO_MANY),
            Err(error) => batch.refuse(&report(&error)),
        },
        None if batch.bulk => match input.bulk() {
            Some(bulk) => {
                each(codec.output, batch, |reader| Ok(call((bulk.from_slice)(reader.rest()).ok_or(Failure::Torn)?)))
            }
            None => batch.refuse(NOT_SO_MANY),
        },
        None => {
            // what is left of a request whose first calls were made elsewhere
            if (0..batch.answer.place()).any(|_| batch.reader.skip_frame().is_none()) {
                return batch.refuse(NOT_SO_MANY);
            }
            each(codec.output, batch, |reader| {
                Ok(call(reader.framed(|reader| input.decode(reader)).map_err(Failure::NotDecoded)?))
            });
        }
    }
}

const NOT_SO_MANY: &str = "the request does not have as many inputs as it says";

/// Does each of the calls that are to be made, by `next`.
fn each<O>(output: Travels<O>, batch: &mut Batch<'_>, mut next: impl FnMut(&mut Reader<'_>) -> Result<O, Failure>) {
    let mut entered = batch.manner.enter(None);
    while batch.answer.place() < batch.count && batch.answer.begin() {
        if let Some(soft) = batch.manner.soft {
            drop(entered);
            // a time that the clock cannot hold never comes
            entered = batch.manner.enter(Instant::now().checked_add(soft));
        }
        if is_number::<O>() {
            match caught(|| next(&mut batch.reader)) {
                Ok(number) => {
                    batch.answer.end_call();
                    put_number(&number, &mut batch.answer);
                }
                Err(failure) => batch.fail(failure),
            }
        } else if let Some(bulk) = output.bulk().filter(|_| batch.count == 1) {
            match caught(|| next(&mut batch.reader)) {
                Ok(value) if (bulk.bytes)(&value).len() >= BULK => {
                    batch.answer.end_call();
                    batch.answer.bulk((bulk.bytes)(&value));
                }
                Ok(value) => {
                    let writer = batch.answer.writer();
                    writer.put_u8(record::VALUE);
                    // numbers are never refused
                    let _ = writer.framed(|writer| output.encode(&value, writer));
                }
                Err(failure) => batch.fail(failure),
            }
        } else {
            let before = batch.answer.writer().mark();
            let done = caught(|| {
                let value = next(&mut batch.reader)?;
                let writer = batch.answer.writer();
                writer.put_u8(record::VALUE);
                writer.framed(|writer| output.encode(&value, writer)).map_err(Failure::NotEncoded)
            });
            if let Err(failure) = done {
                batch.answer.writer().go_back(&before);
                batch.fail(failure);
            }
        }
        batch.answer.done();
        if std::mem::take(&mut batch.manner.attempt) > 0 {
            drop(entered);
            entered = batch.manner.enter(None);
        }
    }
}
