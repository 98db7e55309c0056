//! How values become bytes: the only file that names the codec.
//!
//! The codec is bincode 2's standard configuration over serde: little endian, integers of variable
//! length, fields in order and without names. Both ends are the same build, so nothing describes itself.

use std::error::Error;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value could not be turned into bytes: its `Serialize` refused.
#[derive(Debug, thiserror::Error)]
#[error("a `{type_name}` cannot be encoded")]
pub struct EncodeError {
    type_name: &'static str,
    source: Box<dyn Error + Send + Sync>,
}

/// Bytes could not be turned into a value of the type that was expected.
#[derive(Debug, thiserror::Error)]
#[error("the bytes do not decode as a `{type_name}`")]
pub struct DecodeError {
    type_name: &'static str,
    source: Box<dyn Error + Send + Sync>,
}

/// Bytes under construction; values follow one another without anything between.
#[derive(Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Appends a value; if it refuses, what it had written by then stays and the bytes are of no use.
    pub(crate) fn write<T: Serialize>(&mut self, value: &T) -> Result<(), EncodeError> {
        bincode::serde::encode_into_writer(value, self, bincode::config::standard())
            .map_err(|source| EncodeError { type_name: std::any::type_name::<T>(), source: source.into() })
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
        let fail = |source: bincode::error::DecodeError| DecodeError {
            type_name: std::any::type_name::<T>(),
            source: source.into(),
        };
        let (value, used) = bincode::serde::decode_from_slice(self.rest, bincode::config::standard()).map_err(fail)?;
        self.rest = &self.rest[used..];
        Ok(value)
    }

    /// What has not been read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

#[cfg(test)]
mod tests {
    use super::{Reader, Writer};

    #[test]
    fn values_follow_one_another() {
        let mut writer = Writer::default();
        writer.write(&7u32).expect("encode");
        writer.write(&Some("seven".to_owned())).expect("encode");
        let bytes = writer.into_bytes();
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.read::<u32>().expect("decode"), 7);
        assert_eq!(reader.read::<Option<String>>().expect("decode").as_deref(), Some("seven"));
        assert!(reader.rest().is_empty());
    }

    #[test]
    fn truncated_bytes_are_an_error() {
        let mut writer = Writer::default();
        writer.write(&vec![1u64; 9]).expect("encode");
        let bytes = writer.into_bytes();
        for length in 0..bytes.len() {
            assert!(Reader::new(&bytes[..length]).read::<Vec<u64>>().is_err(), "{length}");
        }
    }
}
