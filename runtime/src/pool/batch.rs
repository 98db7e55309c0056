//! Some calls of one task, in a worker: what a request holds and a reply says.
//!
//! A request is the task's name, the number of calls, and their inputs; a reply is a row of [`record`]s, each for
//! one call or several, in the order of the calls. Plain numbers go as one block; anything else goes behind its
//! length, so that an input or output that cannot be read costs no other.
//!
//! The caller's half is [`request`](super::request).

use std::os::fd::OwnedFd;
use std::panic::AssertUnwindSafe;

use super::panics::{self, Panic};
use crate::__private_0_1::{Codec, Many, Travels};
use crate::codec::transfer::Outgoing;
use crate::codec::{DecodeError, Reader, Writer};
use crate::report::report;

/// Writes a text, which is never refused.
pub(super) fn put_str(writer: &mut Writer, text: &str) {
    let _ = writer.write(text);
}

/// The records of a reply.
pub(super) mod record {
    pub(in super::super) const BLOCK: u8 = 0;
    pub(in super::super) const VALUE: u8 = 1;
    pub(in super::super) const PANICKED: u8 = 2;
    pub(in super::super) const NOT_DECODED: u8 = 3;
    pub(in super::super) const NOT_ENCODED: u8 = 4;
    pub(in super::super) const REFUSED: u8 = 5;
}

/// The calls of one request, in a worker.
pub struct Batch<'a> {
    reader: Reader<'a>,
    count: usize,
    writer: Writer,
}

/// A reply to a request of which nothing can be done.
pub(super) fn refusal(reason: &str) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.put_u8(record::REFUSED);
    put_str(&mut writer, reason);
    writer.into_parts().0
}

impl<'a> Batch<'a> {
    /// A request, and the memory for the reply.
    pub(super) fn new(request: &'a [u8], fds: Vec<OwnedFd>, reply: Vec<u8>) -> Self {
        Self { reader: Reader::carrying(request, fds), count: 0, writer: Writer::carrying(reply, true) }
    }

    /// Takes the name of the task; otherwise, why that is not there.
    pub(super) fn open(&mut self) -> Result<String, String> {
        let count = self.reader.take_u64().ok_or("the request is too short")?;
        self.count = usize::try_from(count).map_err(|_| "the request has too many calls")?;
        self.reader.read().map_err(|error| report(&error))
    }

    /// Makes the reply one to a request of which nothing can be done.
    pub(super) fn refuse(&mut self, reason: &str) {
        self.tell(record::REFUSED, reason);
    }

    /// The reply, and the descriptors that go with it.
    pub(super) fn into_reply(self) -> (Vec<u8>, Vec<OwnedFd>) {
        let (bytes, outgoing) = self.writer.into_parts();
        (bytes, outgoing.map(Outgoing::into_fds).unwrap_or_default())
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
