//! Handles that are written or read where no message is.
use std::fmt::Display;

use carom::{Array, Lock, RawArray, RawValue, Value};
use serde::de::value::{Error, SeqDeserializer};
use serde::ser::{Impossible, SerializeTuple};
use serde::{Deserialize, Serialize, Serializer};

use crate::common::watchdog;

/// Knows of tuples only; what it is given is a part of nothing.
struct Outside;

macro_rules! refuse {
    ($($name:ident($($argument:ty),*) -> $output:ty;)*) => {
        $(fn $name(self $(, _: $argument)*) -> Result<$output, Error> {
            panic!("it got to serialising")
        })*
    };
}

impl Serializer for Outside {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Impossible<(), Error>;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Impossible<(), Error>;
    type SerializeStruct = Impossible<(), Error>;
    type SerializeStructVariant = Impossible<(), Error>;

    refuse! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_str(&str) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_unit_variant(&'static str, u32, &'static str) -> ();
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn collect_str<T: Display + ?Sized>(self, _: &T) -> Result<(), Error> {
        panic!("it got to serialising")
    }
}

impl SerializeTuple for Outside {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(Outside)
    }

    fn end(self) -> Result<(), Error> {
        panic!("it got to serialising")
    }
}

#[test]
fn outside_of_a_message_a_handle_says_where_it_may_go() -> carom::Result<()> {
    let _watchdog = watchdog();
    let (value, array, lock) = (Value::new(5)?, Array::new(&['a'])?, Lock::new()?);
    let (raw, raws) = (RawValue::new(6)?, RawArray::new(&[7])?);
    let written = [
        ("a `Value`", value.serialize(Outside)),
        ("an `Array`", array.serialize(Outside)),
        ("a `Lock`", lock.serialize(Outside)),
        ("a `RawValue`", raw.serialize(Outside)),
        ("a `RawArray`", raws.serialize(Outside)),
        ("a `Value`", Some(Value::with_lock(8, &lock)?).serialize(Outside)),
    ];
    for (name, written) in written {
        let places = "can go to another process only as an argument of a process or of a task in a pool, as what such \
                      a task returns, or in a message of a `Connection`";
        assert_eq!(written.expect_err("outside").to_string(), format!("{name} {places}"));
    }
    // nothing has become of them
    assert_eq!((value.get()?, array.to_vec()?, raw.load(), raws.to_vec()), (5, vec!['a'], 6, vec![7]));
    drop(lock.lock()?);
    Ok(())
}

#[test]
fn what_is_not_read_from_a_message_is_no_handle() {
    let _watchdog = watchdog();
    let fields = || SeqDeserializer::<_, Error>::new([0_u32, 4096, 64, 1, 0].into_iter());
    let errors = [
        Lock::deserialize(fields()).map(drop),
        RawValue::<u64>::deserialize(fields()).map(drop),
        RawArray::<u64>::deserialize(fields()).map(drop),
    ];
    for error in errors {
        assert_eq!(error.expect_err("outside").to_string(), "they name a descriptor that did not come with them");
    }
}
