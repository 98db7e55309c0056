//! A serializer before the codec's own: it writes vectors of numbers as blocks, bounds nesting, and refuses
//! what the format cannot hold.

use std::fmt::Display;

use serde::ser::{
    Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::block::{self, Block};
use super::{DEPTH, mark};

/// A value at some depth of another.
pub(super) struct Nested<'a, T: ?Sized> {
    value: &'a T,
    depth: usize,
}

impl<'a, T: ?Sized> Nested<'a, T> {
    pub(super) fn outermost(value: &'a T) -> Self {
        Self { value, depth: 0 }
    }
}

impl<T: Serialize + ?Sized> Serialize for Nested<'_, T> {
    fn serialize<S: Serializer>(&self, inner: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(Encoder { inner, depth: self.depth })
    }
}

/// The index of a variant with a mark of its name, by which the reader sees that it means the same one.
fn marked_index<E: Error>(index: u32, variant: &str) -> Result<u32, E> {
    match u16::try_from(index) {
        Ok(index) => Ok(u32::from(mark(variant)) << 16 | u32::from(index)),
        Err(_) => Err(E::custom("it has an enum of more than 65,536 variants")),
    }
}

/// The codec's serializer, at some depth.
struct Encoder<S> {
    inner: S,
    depth: usize,
}

impl<S: Serializer> Encoder<S> {
    /// The depth of what is inside this value.
    fn deeper(&self) -> Result<usize, S::Error> {
        if self.depth < DEPTH {
            return Ok(self.depth + 1);
        }
        Err(S::Error::custom(format_args!("its values nest deeper than {DEPTH}")))
    }

    fn nested<'a, T: ?Sized>(&self, value: &'a T) -> Result<Nested<'a, T>, S::Error> {
        Ok(Nested { value, depth: self.deeper()? })
    }

    fn block(self, block: &Block<'_>) -> Result<S::Ok, S::Error> {
        self.deeper()?;
        let mut parts = self.inner.serialize_tuple(3)?;
        parts.serialize_element(&(2 * block.count as u64 + 1))?;
        parts.serialize_element(&block.kind)?;
        parts.serialize_element(&block::Bytes(block.bytes))?;
        parts.end()
    }
}

/// The parts of a compound value, each at this depth.
struct Parts<C> {
    inner: C,
    depth: usize,
    /// How many elements a sequence has promised and not given.
    left: usize,
}

impl<C> Parts<C> {
    fn nested<'a, T: ?Sized>(&self, value: &'a T) -> Nested<'a, T> {
        Nested { value, depth: self.depth }
    }
}

macro_rules! pass_on {
    ($($method:ident($type:ty))*) => {
        $(fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            self.inner.$method(value)
        })*
    };
}

macro_rules! open {
    ($($method:ident($($argument:ident: $type:ty),*) -> $compound:ident)*) => {
        $(fn $method(self, $($argument: $type),*) -> Result<Self::$compound, S::Error> {
            let depth = self.deeper()?;
            Ok(Parts { inner: self.inner.$method($($argument),*)?, depth, left: 0 })
        })*
    };
}

impl<S: Serializer> Serializer for Encoder<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Parts<S::SerializeTuple>;
    type SerializeTuple = Parts<S::SerializeTuple>;
    type SerializeTupleStruct = Parts<S::SerializeTupleStruct>;
    type SerializeTupleVariant = Parts<S::SerializeTupleVariant>;
    type SerializeMap = Parts<S::SerializeMap>;
    type SerializeStruct = Parts<S::SerializeTuple>;
    type SerializeStructVariant = Parts<S::SerializeStructVariant>;

    pass_on! {
        serialize_bool(bool)
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
        serialize_f32(f32) serialize_f64(f64) serialize_char(char)
        serialize_str(&str) serialize_unit_struct(&'static str)
    }

    open! {
        serialize_tuple(len: usize) -> SerializeTuple
        serialize_tuple_struct(name: &'static str, len: usize) -> SerializeTupleStruct
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<S::Ok, S::Error> {
        // as a vector of them, which may be what it is read as
        self.collect_seq(bytes)
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        let depth = self.deeper()?;
        let index = marked_index(index, variant)?;
        Ok(Parts { inner: self.inner.serialize_tuple_variant(name, index, variant, len)?, depth, left: 0 })
    }

    fn serialize_struct(self, _name: &'static str, len: usize) -> Result<Self::SerializeStruct, S::Error> {
        let depth = self.deeper()?;
        let mut inner = self.inner.serialize_tuple(usize::MAX)?;
        inner.serialize_element(&(len as u64))?;
        Ok(Parts { inner, depth, left: 0 })
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        let depth = self.deeper()?;
        let index = marked_index(index, variant)?;
        let mut inner = self.inner.serialize_struct_variant(name, index, variant, len)?;
        inner.serialize_field("", &(len as u64))?;
        Ok(Parts { inner, depth, left: 0 })
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.deeper()?;
        self.inner.serialize_none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        let value = self.nested(value)?;
        self.inner.serialize_some(&value)
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit()
    }

    fn serialize_unit_variant(self, name: &'static str, index: u32, variant: &'static str) -> Result<S::Ok, S::Error> {
        self.deeper()?;
        self.inner.serialize_unit_variant(name, marked_index(index, variant)?, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<S::Ok, S::Error> {
        let value = self.nested(value)?;
        self.inner.serialize_newtype_struct(name, &value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let value = self.nested(value)?;
        self.inner.serialize_newtype_variant(name, marked_index(index, variant)?, variant, &value)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        let len =
            len.ok_or_else(|| S::Error::custom("it has a sequence of unknown length; collect it into a vector"))?;
        let depth = self.deeper()?;
        let mut inner = self.inner.serialize_tuple(usize::MAX)?;
        inner.serialize_element(&(2 * len as u64))?;
        Ok(Parts { inner, depth, left: len })
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        if len.is_none() {
            return Err(S::Error::custom(
                "it has a map of unknown length, as serde's `flatten` makes; the format does not describe itself",
            ));
        }
        let depth = self.deeper()?;
        Ok(Parts { inner: self.inner.serialize_map(len)?, depth, left: 0 })
    }

    fn collect_seq<I>(self, sequence: I) -> Result<S::Ok, S::Error>
    where
        I: IntoIterator,
        I::Item: Serialize,
    {
        if let Some(block) = block::of(&sequence) {
            return self.block(&block);
        }
        let items = sequence.into_iter();
        let len = match items.size_hint() {
            (least, Some(most)) if least == most => Some(most),
            _ => None,
        };
        let mut parts = self.serialize_seq(len)?;
        for item in items {
            SerializeSeq::serialize_element(&mut parts, &item)?;
        }
        SerializeSeq::end(parts)
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

impl<C: SerializeTuple> SerializeSeq for Parts<C> {
    type Ok = C::Ok;
    type Error = C::Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        self.left = self.left.checked_sub(1).ok_or_else(|| C::Error::custom(MISCOUNTED))?;
        let value = self.nested(value);
        self.inner.serialize_element(&value)
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        if self.left == 0 { self.inner.end() } else { Err(C::Error::custom(MISCOUNTED)) }
    }
}

const MISCOUNTED: &str = "it has a sequence that is not as long as it says";

macro_rules! positional {
    ($($trait:ident::$method:ident)*) => {
        $(impl<C: $trait> $trait for Parts<C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
                let value = self.nested(value);
                self.inner.$method(&value)
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        })*
    };
}

positional! {
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
    SerializeTupleVariant::serialize_field
}

// bincode would write nothing, and the next field would be read in its place
fn left_out<E: Error>(key: &'static str) -> Result<(), E> {
    Err(E::custom(format_args!(
        "its field `{key}` is left out at times, as serde's `skip_serializing_if` does; the format does not describe itself"
    )))
}

impl<C: SerializeTuple> SerializeStruct for Parts<C> {
    type Ok = C::Ok;
    type Error = C::Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, _key: &'static str, value: &T) -> Result<(), C::Error> {
        let value = self.nested(value);
        self.inner.serialize_element(&value)
    }

    fn skip_field(&mut self, key: &'static str) -> Result<(), C::Error> {
        left_out(key)
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}

impl<C: SerializeStructVariant> SerializeStructVariant for Parts<C> {
    type Ok = C::Ok;
    type Error = C::Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), C::Error> {
        let value = self.nested(value);
        self.inner.serialize_field(key, &value)
    }

    fn skip_field(&mut self, key: &'static str) -> Result<(), C::Error> {
        left_out(key)
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}

impl<C: SerializeMap> SerializeMap for Parts<C> {
    type Ok = C::Ok;
    type Error = C::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        let key = self.nested(key);
        self.inner.serialize_key(&key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        let value = self.nested(value);
        self.inner.serialize_value(&value)
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}
