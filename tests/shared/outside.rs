//! Handles that are written or read where no message is.
use carom::{Array, Lock, RawArray, RawValue, Value};
use serde::de::value::{Error, SeqDeserializer};
use serde::{Deserialize, Serialize};

use crate::common::outside::Outside;
use crate::common::watchdog;

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
