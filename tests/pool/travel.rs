//! Arguments and results that refuse to travel, each at a cost of one call.
use std::panic::{AssertUnwindSafe, catch_unwind};

use carom::TaskError;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::common::watchdog;
use crate::stage::{pool_of, square};

/// A text that may tell how it travels.
struct Picky(String);

impl Serialize for Picky {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &*self.0 {
            "refuse to encode" => Err(serde::ser::Error::custom("not this one")),
            "panic to encode" => panic!("in Serialize"),
            "more" => (&self.0, 1_u8).serialize(serializer),
            text => text.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Picky {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match &*text {
            "refuse to decode" => Err(serde::de::Error::custom("I do not like it")),
            "panic to decode" => panic!("in Deserialize"),
            _ => Ok(Self(text)),
        }
    }
}

#[carom::task]
fn length_of(text: Picky) -> u64 {
    assert_ne!(text.0, "panic");
    text.0.len() as u64
}

#[carom::task]
fn text_of(text: Picky) -> String {
    assert_ne!(text.0, "panic");
    text.0
}

#[carom::task]
fn picky(text: String) -> Picky {
    Picky(text)
}

const TEXTS: [&str; 5] = ["zero", "one", "refuse to encode", "refuse to decode", "more"];

#[carom::task]
fn picky_of(number: u8) -> Picky {
    Picky(TEXTS[usize::from(number)].to_owned())
}

/// What is the matter, without the names of types and tasks.
fn fault<T>(result: Result<T, TaskError>) -> Option<&'static str> {
    let error = result.err()?;
    let text = format!("{error:?}");
    let faults =
        ["in Deserialize", "in Serialize", "I do not like it", "not this one", "1 bytes follow", "left != right"];
    let fault = faults.into_iter().find(|fault| text.contains(fault)).unwrap_or_else(|| panic!("{text}"));
    assert_eq!(error.panic().is_some(), fault.starts_with("in ") || fault.starts_with("left"), "{text}");
    assert_eq!(error.is_codec(), error.panic().is_none(), "{text}");
    assert!(error.worker_lost().is_none(), "{text}");
    Some(fault)
}

#[carom::test]
fn what_does_not_travel_says_in_which_direction_and_why() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    let texts = |text: &str| {
        let there = pool.apply(text_of, Picky(text.to_owned())).map(drop);
        let back = pool.apply(picky, text.to_owned()).map(drop);
        [there, back].map(|result| {
            let error = result.expect_err(text);
            assert!(error.is_codec(), "{error}");
            format!("{error:?}")
        })
    };
    let [there, back] = texts("refuse to encode");
    assert!(there.starts_with("the input of task `pool::travel::text_of` cannot be encoded: "), "{there}");
    assert!(back.starts_with("the output of task `pool::travel::picky` cannot be encoded: "), "{back}");
    assert!(there.ends_with(": not this one") && back.ends_with(": not this one"), "{there} {back}");
    for (text, reason) in [("refuse to decode", "I do not like it"), ("more", "1 bytes follow that nothing reads")] {
        let [there, back] = texts(text);
        assert!(there.starts_with("the input of task `pool::travel::text_of` did not arrive: "), "{there}");
        assert!(back.starts_with("the output of task `pool::travel::picky` did not arrive: "), "{back}");
        assert!(there.ends_with(reason) && back.ends_with(reason), "{there} {back}");
    }
    let error = pool.apply(text_of, Picky("panic to decode".to_owned())).expect_err("a panic in the worker");
    assert_eq!(error.panic().map(carom::Panic::message), Some("in Deserialize"));
    let error = pool.apply(picky, "panic to encode".to_owned()).err().expect("a panic in the worker");
    assert_eq!(error.panic().map(carom::Panic::message), Some("in Serialize"));
}

#[carom::test]
fn a_panic_in_this_process_is_the_callers_and_does_not_harm_the_pool() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    let panics = |call: &dyn Fn()| assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
    for _ in 0..3 {
        panics(&|| drop(pool.apply(text_of, Picky("panic to encode".to_owned()))));
        panics(&|| drop(pool.map(text_of, [Picky("fine".to_owned()), Picky("panic to encode".to_owned())])));
        panics(&|| drop(pool.apply(picky, "panic to decode".to_owned())));
        panics(&|| drop(pool.map(picky, ["fine", "panic to decode", "fine"].map(str::to_owned))));
        panics(&|| pool.imap(picky, ["fine", "panic to decode"].map(str::to_owned)).for_each(drop));
        panics(&|| drop(pool.map(square, (0..5).inspect(|x| assert_ne!(*x, 3)))));
        assert_eq!(pool.map(square, 0..5).expect("squares"), [0, 1, 4, 9, 16]);
    }
}

#[carom::test]
fn in_a_chunk_each_failure_is_of_one_call() {
    let _watchdog = watchdog();
    let pool = pool_of(2);
    let there = [
        ("fine", None),
        ("panic to decode", Some("in Deserialize")),
        ("also fine", None),
        ("refuse to decode", Some("I do not like it")),
        ("refuse to encode", Some("not this one")),
        ("panic", Some("left != right")),
        ("panic to decode", Some("in Deserialize")),
        ("more", Some("1 bytes follow")),
        ("fine again", None),
        ("refuse to encode", Some("not this one")),
    ];
    let back = [
        ("fine", None),
        ("panic to encode", Some("in Serialize")),
        ("refuse to encode", Some("not this one")),
        ("also fine", None),
        ("refuse to decode", Some("I do not like it")),
        ("more", Some("1 bytes follow")),
        ("fine again", None),
    ];
    for size in [1, 3, 20] {
        let inputs = || there.iter().cycle().take(20).map(|(text, _)| Picky((*text).to_owned()));
        let faults = || there.iter().cycle().take(20).map(|(_, fault)| *fault);
        let lengths: Vec<_> = pool.job(length_of).chunk_size(size).imap(inputs()).map(fault).collect();
        assert_eq!(lengths, faults().collect::<Vec<_>>(), "numbers in chunks of {size}");
        let texts: Vec<_> = pool.job(text_of).chunk_size(size).imap(inputs()).collect();
        for (text, (expected, _)) in texts.iter().zip(there.iter().cycle()) {
            assert!(text.as_ref().map_or(true, |text| text == expected));
        }
        assert_eq!(texts.into_iter().map(fault).collect::<Vec<_>>(), faults().collect::<Vec<_>>());
        let inputs = || back.iter().cycle().take(20).map(|(text, _)| (*text).to_owned());
        let outputs: Vec<_> = pool.job(picky).chunk_size(size).imap(inputs()).map(fault).collect();
        assert_eq!(outputs, back.iter().cycle().take(20).map(|(_, fault)| *fault).collect::<Vec<_>>());
        let of_numbers: Vec<_> = pool.job(picky_of).chunk_size(size).imap(0..5).map(fault).collect();
        assert_eq!(of_numbers, [None, None, Some("not this one"), Some("I do not like it"), Some("1 bytes follow")]);
    }
}
