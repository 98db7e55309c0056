//! A deserializer before the codec's own: it reads blocks, and bounds what the bytes can make of themselves.
//!
//! Bytes may come from a stranger. Eight of them can claim a vector of 10^18 units, which take no bytes at all;
//! some thousand can nest deeper than a stack. So each element of a sequence or map is paid for from a budget
//! that the length of the input sets, and depth is counted. What has a length is always taken from the bytes
//! that are there, never reserved by what they claim.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::U32Deserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::block::{self, Block};
use super::{DEPTH, mark};

/// What one input may still be decoded into.
pub(super) struct Budget {
    /// Elements of sequences and maps; all but units take a byte at least.
    elements: Cell<usize>,
    /// Bytes of memory for those elements.
    memory: Cell<usize>,
}

impl Budget {
    const UNITS: usize = 1 << 20;
    /// A small input may be worth this much...
    const MEMORY: usize = 256 << 20;
    /// ...and a large one this much for each of its bytes. (An empty string in a vector is 24 bytes for one.)
    const MEMORY_PER_BYTE: usize = 64;

    pub(super) fn of(input: usize) -> Self {
        let memory = input.saturating_mul(Self::MEMORY_PER_BYTE).saturating_add(Self::MEMORY);
        Self { elements: Cell::new(input.saturating_add(Self::UNITS)), memory: Cell::new(memory) }
    }

    /// Pays for one element of a sequence or map.
    fn pay<T, E: Error>(&self) -> Result<(), E> {
        let elements =
            self.elements.get().checked_sub(1).ok_or_else(|| E::custom("they claim more elements than they have"))?;
        self.elements.set(elements);
        self.pay_memory::<T, E>()
    }

    fn pay_memory<T, E: Error>(&self) -> Result<(), E> {
        let memory = self.memory.get().checked_sub(size_of::<T>());
        self.memory.set(memory.ok_or_else(|| E::custom("they would take too much memory"))?);
        Ok(())
    }
}

/// Where a value is: how deep, and from which budget its elements are paid.
#[derive(Clone, Copy)]
struct Place<'b> {
    budget: &'b Budget,
    depth: usize,
}

impl<'b> Place<'b> {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth < DEPTH {
            return Ok(Self { depth: self.depth + 1, ..self });
        }
        Err(E::custom(format_args!("its values nest deeper than {DEPTH}")))
    }

    /// Enters a value that others may nest in; it may stand in a box, which no sequence has paid for.
    fn enter<T, E: Error>(self) -> Result<Self, E> {
        self.budget.pay_memory::<T, E>()?;
        self.deeper()
    }

    fn with<T>(self, inner: T) -> At<'b, T> {
        At { inner, place: self }
    }
}

/// One of serde's parties to decoding (deserializer, visitor, access or seed), at some place.
pub(super) struct At<'b, T> {
    inner: T,
    place: Place<'b>,
}

/// What is decoded, at some place.
pub(super) type Seed<'b, T> = At<'b, T>;

impl<'b, T> Seed<'b, PhantomData<T>> {
    pub(super) fn outermost(budget: &'b Budget) -> Self {
        Place { budget, depth: 0 }.with(PhantomData)
    }
}

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for Seed<'_, T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T::Value, D::Error> {
        self.inner.deserialize(self.place.with(deserializer))
    }
}

macro_rules! pass_on {
    ($($method:ident => $to:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.inner.$to(visitor)
        })*
    };
}

macro_rules! refuse {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, D::Error> {
            Err(D::Error::custom(
                "its type decides by what it finds, as with serde's `untagged`, `tag` and `flatten` or a JSON \
                 value; the format does not describe itself",
            ))
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for At<'_, D> {
    type Error = D::Error;

    pass_on! {
        deserialize_bool => deserialize_bool
        deserialize_i8 => deserialize_i8 deserialize_i16 => deserialize_i16 deserialize_i32 => deserialize_i32
        deserialize_i64 => deserialize_i64 deserialize_i128 => deserialize_i128
        deserialize_u8 => deserialize_u8 deserialize_u16 => deserialize_u16 deserialize_u32 => deserialize_u32
        deserialize_u64 => deserialize_u64 deserialize_u128 => deserialize_u128
        deserialize_f32 => deserialize_f32 deserialize_f64 => deserialize_f64 deserialize_char => deserialize_char
        deserialize_unit => deserialize_unit
        // borrowed from the input, so that no memory is reserved for what is not there
        deserialize_str => deserialize_str deserialize_string => deserialize_str
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.place.deeper()?.with(Bytes(visitor));
        self.inner.deserialize_tuple(usize::MAX, visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.deserialize_bytes(visitor)
    }

    refuse! { deserialize_any deserialize_identifier deserialize_ignored_any }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_option(self.place.enter::<V::Value, _>()?.with(visitor))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_unit_struct(name, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_newtype_struct(name, self.place.enter::<V::Value, _>()?.with(visitor))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.place.deeper()?.with(Sequence(visitor));
        self.inner.deserialize_tuple(usize::MAX, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_tuple(len, self.place.enter::<V::Value, _>()?.with(visitor))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_tuple_struct(name, len, self.place.enter::<V::Value, _>()?.with(visitor))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_map(self.place.enter::<V::Value, _>()?.with(visitor))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = self.place.enter::<V::Value, _>()?.with(Fields { visitor, name, count: fields.len() });
        self.inner.deserialize_tuple(fields.len() + 1, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let place = self.place.enter::<V::Value, _>()?;
        self.inner.deserialize_enum(name, variants, place.with(Variants { visitor, name, variants }))
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for At<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.inner.visit_some(self.place.with(deserializer))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(self.place.with(deserializer))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.inner.visit_seq(self.place.with(access))
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(self.place.with(access))
    }
}

/// The fields of a struct or tuple, whose number the type tells.
impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for At<'_, A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, A::Error> {
        self.inner.next_element_seed(self.place.with(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for At<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let key = self.inner.next_key_seed(self.place.with(seed))?;
        if key.is_some() {
            self.place.budget.pay::<K::Value, _>()?;
        }
        Ok(key)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        self.place.budget.pay::<T::Value, _>()?;
        self.inner.next_value_seed(self.place.with(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint().map(|claimed| claimed.min(self.place.budget.elements.get()))
    }
}

/// The visitor of an enum, and what the variants are called on this side.
struct Variants<V> {
    visitor: V,
    name: &'static str,
    variants: &'static [&'static str],
}

impl<'de, V: Visitor<'de>> Visitor<'de> for At<'_, Variants<V>> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.visitor.expecting(f)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let At { inner: Variants { visitor, name, variants }, place } = self;
        visitor.visit_enum(place.with(Variants { visitor: access, name, variants }))
    }
}

impl<'de, 'b, A: EnumAccess<'de>> EnumAccess<'de> for At<'b, Variants<A>> {
    type Error = A::Error;
    type Variant = At<'b, A::Variant>;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self::Variant), A::Error> {
        let At { inner: Variants { visitor: access, name, variants }, place } = self;
        let (marked, content) = access.variant_seed(PhantomData::<u32>)?;
        let (index, theirs) = (marked as u16, (marked >> 16) as u16);
        // where one side leaves variants out, the other counts them
        let index = match variants.get(usize::from(index)).map(|variant| mark(variant)) {
            Some(ours) if ours == theirs => u32::from(index),
            _ => {
                return Err(A::Error::custom(format_args!(
                    "variant {index} of `{name}` is another one here; serde's `skip` on variants counts differently in each direction"
                )));
            }
        };
        let index: U32Deserializer<A::Error> = index.into_deserializer();
        Ok((seed.deserialize(index)?, place.with(content)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for At<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, A::Error> {
        self.inner.newtype_variant_seed(self.place.with(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.inner.tuple_variant(len, self.place.with(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let visitor = self.place.with(Fields { visitor, name: "a variant", count: fields.len() });
        self.inner.tuple_variant(fields.len() + 1, visitor)
    }
}

/// The visitor of a struct, which begins with the number of its fields.
struct Fields<V> {
    visitor: V,
    name: &'static str,
    count: usize,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for At<'_, Fields<V>> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.visitor.expecting(f)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<V::Value, A::Error> {
        let At { inner: Fields { visitor, name, count }, place } = self;
        let theirs: u64 = access.next_element()?.ok_or_else(too_early)?;
        if theirs != count as u64 {
            return Err(A::Error::custom(format_args!(
                "`{name}` has {theirs} fields in them and {count} here; serde's `skip_serializing` and `skip_deserializing` must go together"
            )));
        }
        visitor.visit_seq(place.with(access))
    }
}

fn too_early<E: Error>() -> E {
    E::custom("they end too early")
}

/// What a sequence begins with.
enum Head<'de> {
    Elements(usize),
    Block(Block<'de>),
}

impl<'de> Head<'de> {
    fn read<A: SeqAccess<'de>>(access: &mut A) -> Result<Self, A::Error> {
        let head: u64 = access.next_element()?.ok_or_else(too_early)?;
        let count = usize::try_from(head / 2).map_err(A::Error::custom)?;
        if head.is_multiple_of(2) {
            return Ok(Head::Elements(count));
        }
        let kind: u8 = access.next_element()?.ok_or_else(too_early)?;
        let bytes: &'de [u8] = access.next_element()?.ok_or_else(too_early)?;
        Ok(Head::Block(Block { count, kind, bytes }))
    }
}

/// The visitor of a sequence.
struct Sequence<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for At<'_, Sequence<V>> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.0.expecting(f)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<V::Value, A::Error> {
        let At { inner: Sequence(visitor), place } = self;
        match Head::read(&mut access)? {
            Head::Block(block) => block::visit(visitor, &block),
            Head::Elements(count) => {
                let mut elements = Elements { access, left: count };
                let value = visitor.visit_seq(place.with(&mut elements))?;
                match elements.left {
                    0 => Ok(value),
                    left => Err(A::Error::custom(format_args!("{left} elements of a sequence were not asked for"))),
                }
            }
        }
    }
}

/// The visitor of bytes, which are a sequence like any other.
struct Bytes<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for At<'_, Bytes<V>> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.0.expecting(f)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<V::Value, A::Error> {
        let At { inner: Bytes(visitor), place } = self;
        match Head::read(&mut access)? {
            Head::Block(block) => visitor.visit_borrowed_bytes(block::bytes(&block)?),
            Head::Elements(count) => {
                let mut elements = Elements { access, left: count };
                let mut elements = place.with(&mut elements);
                let mut bytes = Vec::new();
                while let Some(byte) = elements.next_element()? {
                    bytes.push(byte);
                }
                visitor.visit_byte_buf(bytes)
            }
        }
    }
}

/// The elements of a sequence, whose number the bytes claim.
struct Elements<A> {
    access: A,
    left: usize,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for At<'_, &mut Elements<A>> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, A::Error> {
        let Some(left) = self.inner.left.checked_sub(1) else { return Ok(None) };
        self.inner.left = left;
        self.place.budget.pay::<T::Value, _>()?;
        self.inner.access.next_element_seed(self.place.with(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.inner.left.min(self.place.budget.elements.get()))
    }
}
