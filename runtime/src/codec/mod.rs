//! How values become bytes: the only module that names the codec below.
//!
//! The bytes are those of bincode 2's standard configuration over serde (little endian, integers of variable
//! length, fields in order and without names), with some differences, which [`encode`] and [`decode`] make by
//! standing between serde and bincode:
//!
//! * a sequence begins with twice its length; if it is a vector or slice of plain numbers, or bytes, with twice
//!   its length and one, and its elements follow as one block ([`block`]);
//! * a struct begins with the number of its fields, and a variant's index bears a [`mark`] of its name, because
//!   serde's `skip` options can make the two directions count differently;
//! * what bincode does not bound is bounded: nesting, elements that take no bytes, memory.
//!
//! The format does not describe itself. Types whose decoding looks at what comes (`untagged`, `tag`, `flatten`,
//! JSON values), and fields that only one direction knows, are errors that say so.

mod block;
mod decode;
mod encode;
pub(crate) mod transfer;

use std::any::type_name;
use std::os::fd::OwnedFd;

use serde::Serialize;
use serde::de::DeserializeOwned;

use transfer::{Incoming, Outgoing};

/// How deep values may nest: each struct, enum, option, sequence and map counts. A thread's stack holds many
/// times as much, in unoptimised builds too.
const DEPTH: usize = 128;

pub(crate) use block::{Bulk, NumberSink, bulk, is_number, numbers_of, put_number};

/// A short mark of a name: the ends of its FNV-1a hash, folded.
fn mark(name: &str) -> u16 {
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (hash >> 16) as u16 ^ hash as u16
}

/// A value could not be turned into bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a `{type_name}` cannot be encoded: {reason}")]
pub struct EncodeError {
    type_name: &'static str,
    reason: String,
}

/// Bytes could not be turned into a value of the type that was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes do not decode as a `{type_name}`: {reason}")]
pub struct DecodeError {
    type_name: &'static str,
    reason: String,
}

/// A message under construction: values follow one another without anything between.
#[derive(Default)]
pub struct Writer {
    bytes: Vec<u8>,
    /// None where nothing but bytes can travel.
    outgoing: Option<Outgoing>,
}

impl Writer {
    /// Writes to the end of `bytes`, and lets descriptors come along.
    pub(crate) fn carrying(bytes: Vec<u8>, by_value: bool) -> Self {
        Self { bytes, outgoing: Some(Outgoing::new(by_value)) }
    }

    /// Appends a value; if it refuses, what it had written by then stays.
    pub(crate) fn write<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let Self { bytes, outgoing } = self;
        transfer::writing(outgoing, || write_to(bytes, value))
    }

    /// Appends what `write` writes, behind its length, so that a reader that cannot read it finds what follows.
    pub(crate) fn framed<E>(&mut self, write: impl FnOnce(&mut Self) -> Result<(), E>) -> Result<(), E> {
        let start = self.bytes.len();
        self.put_u64(0);
        write(self)?;
        self.set_u64(start, (self.bytes.len() - start - 8) as u64);
        Ok(())
    }

    pub(crate) fn put_u8(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Appends eight bytes.
    pub(crate) fn put_u64(&mut self, number: u64) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    /// Replaces the eight bytes at `place`.
    pub(crate) fn set_u64(&mut self, place: usize, number: u64) {
        self.bytes[place..place + 8].copy_from_slice(&number.to_le_bytes());
    }

    /// How much has been written.
    pub(crate) fn written(&self) -> usize {
        self.bytes.len()
    }

    /// What has been written.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes the first bytes away.
    pub(crate) fn drop_front(&mut self, len: usize) {
        self.bytes.drain(..len);
    }

    /// How many descriptors come along.
    pub(crate) fn fds(&self) -> usize {
        self.outgoing.as_ref().map_or(0, |outgoing| outgoing.fds().len())
    }

    /// Where it stands.
    pub(crate) fn mark(&self) -> Mark {
        Mark { bytes: self.bytes.len(), fds: self.fds() }
    }

    /// Takes back what was written since.
    pub(crate) fn go_back(&mut self, mark: &Mark) {
        self.bytes.truncate(mark.bytes);
        self.outgoing.iter_mut().for_each(|outgoing| outgoing.truncate(mark.fds));
    }

    pub(crate) fn into_parts(self) -> (Vec<u8>, Option<Outgoing>) {
        (self.bytes, self.outgoing)
    }
}

/// A place in what is being written.
pub(crate) struct Mark {
    bytes: usize,
    fds: usize,
}

fn write_to<T: Serialize + ?Sized>(bytes: &mut Vec<u8>, value: &T) -> Result<(), EncodeError> {
    use bincode::error::EncodeError as Cause;
    let encoded =
        bincode::serde::encode_into_writer(encode::Nested::outermost(value), Bytes(bytes), bincode::config::standard());
    encoded.map_err(|cause| {
        let reason = match cause {
            Cause::OtherString(reason) => reason,
            Cause::Other(reason) => reason.to_owned(),
            other => format!("{other:?}"),
        };
        EncodeError { type_name: type_name::<T>(), reason }
    })
}

/// Bytes that grow.
struct Bytes<'a>(&'a mut Vec<u8>);

impl bincode::enc::write::Writer for Bytes<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), bincode::error::EncodeError> {
        let full = |_| bincode::error::EncodeError::Other("there is not enough memory for it");
        self.0.try_reserve(bytes.len()).map_err(full)?;
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// A message from which values are taken in the order in which they were written.
pub struct Reader<'a> {
    rest: &'a [u8],
    incoming: Option<Incoming>,
}

impl<'a> Reader<'a> {
    #[cfg(test)]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, incoming: None }
    }

    /// A message that came with these descriptors.
    pub(crate) fn carrying(bytes: &'a [u8], fds: Vec<OwnedFd>) -> Self {
        Self { rest: bytes, incoming: Some(Incoming::new(fds)) }
    }

    pub(crate) fn read<T: DeserializeOwned>(&mut self) -> Result<T, DecodeError> {
        let Self { rest, incoming } = self;
        transfer::reading(incoming, || read_from(rest))
    }

    /// Reads a value that all that is left must belong to.
    pub(crate) fn read_all<T: DeserializeOwned>(&mut self) -> Result<T, DecodeError> {
        let value = self.read()?;
        match self.rest.len() {
            0 => Ok(value),
            more => {
                let reason = format!("{more} bytes follow that nothing reads");
                Err(DecodeError { type_name: type_name::<T>(), reason })
            }
        }
    }

    /// Reads what was written by [`Writer::framed`], all of it, and stands behind it in any case.
    pub(crate) fn framed<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        let fault = |reason: &str| DecodeError { type_name: type_name::<T>(), reason: reason.to_owned() };
        let early = || fault("they end too early");
        let length = usize::try_from(self.take_u64().ok_or_else(early)?).unwrap_or(usize::MAX);
        let (own, after) = self.rest.split_at_checked(length).ok_or_else(early)?;
        self.rest = own;
        let frame = Frame { reader: self, after };
        let value = read(frame.reader);
        let left = frame.reader.rest.len();
        drop(frame);
        if self.rest.is_empty() {
            // nothing more can take one, and what they hold in use may end before this does
            self.incoming = None;
        }
        match value {
            Ok(_) if left > 0 => Err(fault(&format!("{left} bytes follow that nothing reads"))),
            value => value,
        }
    }

    /// Passes over what was written by [`Writer::framed`].
    pub(crate) fn skip_frame(&mut self) -> Option<()> {
        let length = usize::try_from(self.take_u64()?).ok()?;
        self.rest = self.rest.get(length..)?;
        Some(())
    }

    pub(crate) fn take_u8(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    /// Takes eight bytes.
    pub(crate) fn take_u64(&mut self) -> Option<u64> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(u64::from_le_bytes(*bytes))
    }

    /// What has not been read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

/// A reader that stands behind the frame that it reads when this is dropped, also by a panic in the user's types.
struct Frame<'r, 'a> {
    reader: &'r mut Reader<'a>,
    after: &'a [u8],
}

impl Drop for Frame<'_, '_> {
    fn drop(&mut self) {
        self.reader.rest = self.after;
    }
}

fn read_from<T: DeserializeOwned>(rest: &mut &[u8]) -> Result<T, DecodeError> {
    use bincode::error::DecodeError as Cause;
    let budget = decode::Budget::of(rest.len());
    let seed = decode::Seed::<std::marker::PhantomData<T>>::outermost(&budget);
    let decoded = bincode::serde::seed_decode_from_slice(seed, rest, bincode::config::standard());
    let (value, used) = decoded.map_err(|cause| {
        let reason = match cause {
            Cause::OtherString(reason) => reason,
            Cause::UnexpectedEnd { .. } => "they end too early".to_owned(),
            Cause::Utf8 { .. } => "a text in them is not UTF-8".to_owned(),
            other => format!("{other:?}"),
        };
        DecodeError { type_name: type_name::<T>(), reason }
    })?;
    *rest = &rest[used..];
    Ok(value)
}

#[cfg(test)]
mod tests;
