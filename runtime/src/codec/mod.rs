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

use std::any::type_name;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// How deep values may nest: each struct, enum, option, sequence and map counts. A thread's stack holds many
/// times as much, in unoptimised builds too.
const DEPTH: usize = 128;

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

/// Bytes under construction; values follow one another without anything between.
#[derive(Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Appends a value; if it refuses, what it had written by then stays and the bytes are of no use.
    pub(crate) fn write<T: Serialize>(&mut self, value: &T) -> Result<(), EncodeError> {
        use bincode::error::EncodeError as Cause;
        bincode::serde::encode_into_writer(encode::Nested::outermost(value), self, bincode::config::standard()).map_err(
            |cause| {
                let reason = match cause {
                    Cause::OtherString(reason) => reason,
                    Cause::Other(reason) => reason.to_owned(),
                    other => format!("{other:?}"),
                };
                EncodeError { type_name: type_name::<T>(), reason }
            },
        )
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl bincode::enc::write::Writer for &mut Writer {
    fn write(&mut self, bytes: &[u8]) -> Result<(), bincode::error::EncodeError> {
        let full = |_| bincode::error::EncodeError::Other("there is not enough memory for it");
        self.bytes.try_reserve(bytes.len()).map_err(full)?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

/// Bytes from which values are taken in the order in which they were written.
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn read<T: DeserializeOwned>(&mut self) -> Result<T, DecodeError> {
        use bincode::error::DecodeError as Cause;
        let budget = decode::Budget::of(self.rest.len());
        let seed = decode::Seed::<std::marker::PhantomData<T>>::outermost(&budget);
        let decoded = bincode::serde::seed_decode_from_slice(seed, self.rest, bincode::config::standard());
        let (value, used) = decoded.map_err(|cause| {
            let reason = match cause {
                Cause::OtherString(reason) => reason,
                Cause::UnexpectedEnd { .. } => "they end too early".to_owned(),
                Cause::Utf8 { .. } => "a text in them is not UTF-8".to_owned(),
                other => format!("{other:?}"),
            };
            DecodeError { type_name: type_name::<T>(), reason }
        })?;
        self.rest = &self.rest[used..];
        Ok(value)
    }

    /// What has not been read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

#[cfg(test)]
mod tests;
