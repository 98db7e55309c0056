//! Vectors and slices of plain numbers, moved as one block wherever they stand, without code in the user's
//! types: serde hands a whole vector to `collect_seq`, and asks for one with a visitor whose type tells.
//!
//! # Safety
//! A value is taken for one of another type only after `typeid` has found the two equal but for lifetimes.
#![allow(unsafe_code)]

use std::any::type_name;
use std::mem::{ManuallyDrop, transmute_copy};

use serde::Serialize;
use serde::de::value::Error as ValueError;
use serde::de::{DeserializeSeed, Deserializer, Error, IntoDeserializer, SeqAccess, Visitor};
use serde::ser::Serializer;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// A block as it is written: how many numbers, of which kind, and their bytes in little endian.
pub(super) struct Block<'a> {
    pub(super) count: usize,
    pub(super) kind: u8,
    pub(super) bytes: &'a [u8],
}

/// Bytes, written at once.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

#[cfg(not(target_endian = "little"))]
compile_error!("blocks are written as they stand in memory, which must be little endian");

/// Where the bytes of numbers go, one number after another.
pub(crate) trait NumberSink {
    fn put<const LEN: usize>(&mut self, bytes: [u8; LEN]);
}

/// How a vector of numbers, and nothing else, becomes bytes and bytes a vector; those of `u8` without a copy.
pub(crate) struct Bulk<T> {
    pub(crate) bytes: fn(&T) -> &[u8],
    pub(crate) into_bytes: fn(T) -> Vec<u8>,
    /// None if they are not whole numbers.
    pub(crate) from_bytes: fn(Vec<u8>) -> Option<T>,
    pub(crate) from_slice: fn(&[u8]) -> Option<T>,
}

/// Takes a value for one of a type that it has.
///
/// # Safety
/// The two types are the same.
unsafe fn same<T, U>(value: T) -> U {
    let value = ManuallyDrop::new(value);
    // SAFETY: they are the same type, and the original is not used any more.
    unsafe { transmute_copy::<T, U>(&value) }
}

macro_rules! kinds {
    ($($kind:literal $number:ty;)*) => {
        /// The block of a vector or slice of numbers; none for any other sequence.
        pub(super) fn of<I: IntoIterator>(sequence: &I) -> Option<Block<'_>> {
            let sequence_type = typeid::of::<I>();
            $(
                if sequence_type == typeid::of::<&Vec<$number>>() {
                    // SAFETY: `I` is a reference to such a vector, and lives as long as `sequence` at least.
                    let numbers = unsafe { transmute_copy::<I, &Vec<$number>>(sequence) };
                    return block($kind, numbers.as_slice());
                }
                if sequence_type == typeid::of::<&[$number]>() {
                    // SAFETY: `I` is a reference to such a slice, and lives as long as `sequence` at least.
                    let numbers = unsafe { transmute_copy::<I, &[$number]>(sequence) };
                    return block($kind, numbers);
                }
            )*
            None
        }

        /// None if it is no vector of plain numbers.
        pub(crate) fn bulk<T>() -> Option<Bulk<T>> {
            if typeid::of::<T>() == typeid::of::<Vec<u8>>() {
                return Some(Bulk {
                    // SAFETY: `T` is this very type.
                    bytes: |vector| unsafe { &*std::ptr::from_ref(vector).cast::<Vec<u8>>() },
                    // SAFETY: as above.
                    into_bytes: |vector| unsafe { same::<T, Vec<u8>>(vector) },
                    // SAFETY: as above.
                    from_bytes: |bytes| Some(unsafe { same::<Vec<u8>, T>(bytes) }),
                    // SAFETY: as above.
                    from_slice: |bytes| Some(unsafe { same::<Vec<u8>, T>(bytes.to_vec()) }),
                });
            }
            $(
                if typeid::of::<T>() == typeid::of::<Vec<$number>>() {
                    return Some(Bulk {
                        // SAFETY: `T` is this very type.
                        bytes: |vector| unsafe { &*std::ptr::from_ref(vector).cast::<Vec<$number>>() }.as_bytes(),
                        // SAFETY: as above.
                        into_bytes: |vector| unsafe { same::<T, Vec<$number>>(vector) }.as_bytes().to_vec(),
                        // SAFETY: as above.
                        from_bytes: |bytes| Some(unsafe { same::<Vec<$number>, T>(numbers_of::<$number>(&bytes)?) }),
                        // SAFETY: as above.
                        from_slice: |bytes| Some(unsafe { same::<Vec<$number>, T>(numbers_of::<$number>(bytes)?) }),
                    });
                }
            )*
            None
        }

        /// Whether it is a plain number, of which a vector travels as one block.
        pub(crate) fn is_number<T>() -> bool {
            let number = typeid::of::<T>();
            [$(typeid::of::<$number>()),*].contains(&number)
        }

        /// Puts the bytes of a number; false if it is none.
        #[inline]
        pub(crate) fn put_number<T>(number: &T, sink: &mut impl NumberSink) -> bool {
            $(
                if typeid::of::<T>() == typeid::of::<$number>() {
                    // SAFETY: `T` is this very type.
                    let number = unsafe { transmute_copy::<T, $number>(number) };
                    sink.put(number.to_le_bytes());
                    return true;
                }
            )*
            false
        }

        /// The numbers that bytes are, if they are whole ones.
        pub(crate) fn numbers_of<T>(bytes: &[u8]) -> Option<Vec<T>> {
            let number = typeid::of::<T>();
            $(
                if number == typeid::of::<$number>() {
                    let (numbers, []) = bytes.as_chunks::<{ size_of::<$number>() }>() else { return None };
                    let numbers = ManuallyDrop::new(vector::<$number>(numbers.as_flattened()));
                    // SAFETY: `T` is this very type.
                    return Some(unsafe { transmute_copy::<Vec<$number>, Vec<T>>(&numbers) });
                }
            )*
            None
        }

        /// Gives the numbers of a block to the visitor that asked for a sequence: at once if it wants such a
        /// vector, otherwise one by one.
        pub(super) fn visit<'de, V: Visitor<'de>, E: Error>(visitor: V, block: &Block<'_>) -> Result<V::Value, E> {
            match block.kind {
                $($kind => {
                    let (numbers, rest) = block.bytes.as_chunks::<{ size_of::<$number>() }>();
                    if numbers.len() != block.count || !rest.is_empty() {
                        return Err(E::custom("a block of numbers is not as long as it says"));
                    }
                    if wants_vector::<V, $number>() {
                        let vector = ManuallyDrop::new(vector::<$number>(numbers.as_flattened()));
                        // SAFETY: `V::Value` is this very type.
                        return Ok(unsafe { transmute_copy::<Vec<$number>, V::Value>(&vector) });
                    }
                    let numbers = numbers.iter().map(|bytes| <$number>::from_le_bytes(*bytes));
                    visitor.visit_seq(Numbers(numbers)).map_err(E::custom)
                })*
                kind => Err(E::custom(format_args!("there are no blocks of kind {kind}"))),
            }
        }
    };
}

kinds! {
    1 u8; 2 u16; 3 u32; 4 u64; 5 u128; 6 usize;
    7 i8; 8 i16; 9 i32; 10 i64; 11 i128; 12 isize;
    13 f32; 14 f64;
}

/// The numbers that these bytes are, copied at once.
fn vector<T: FromBytes>(bytes: &[u8]) -> Vec<T> {
    let len = bytes.len() / size_of::<T>();
    let mut numbers = Vec::<T>::with_capacity(len);
    // SAFETY: there is room for so many, every bit pattern is one, and the new memory is nowhere in the bytes.
    unsafe { numbers.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), len * size_of::<T>()) };
    // SAFETY: they have been written.
    unsafe { numbers.set_len(len) };
    numbers
}

fn block<T: IntoBytes + Immutable>(kind: u8, numbers: &[T]) -> Option<Block<'_>> {
    // an empty one is shorter without
    (!numbers.is_empty()).then(|| Block { count: numbers.len(), kind, bytes: numbers.as_bytes() })
}

/// The bytes of a block of bytes.
pub(super) fn bytes<'de, E: Error>(block: &Block<'de>) -> Result<&'de [u8], E> {
    if block.kind == 1 && block.bytes.len() == block.count {
        return Ok(block.bytes);
    }
    Err(E::custom("a block that should be of bytes is not"))
}

/// Whether the visitor is serde's own for a vector of such numbers. A visitor of the user's that makes a
/// vector too may do more than that.
pub(super) fn wants_vector<'de, V: Visitor<'de>, T: 'static>() -> bool {
    typeid::of::<V::Value>() == typeid::of::<Vec<T>>() && type_name::<V>().starts_with("serde_core::de::impls::")
}

/// Numbers that are asked for one by one.
struct Numbers<I>(I);

impl<'de, I> SeqAccess<'de> for Numbers<I>
where
    I: ExactSizeIterator,
    I::Item: IntoDeserializer<'de, ValueError>,
{
    type Error = ValueError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ValueError> {
        self.0.next().map(|number| seed.deserialize(Number(number.into_deserializer()))).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

/// A number that may be wrapped in a struct on this side, which takes no bytes.
struct Number<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Number<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq
        tuple tuple_struct map struct enum identifier ignored_any
    }
}
