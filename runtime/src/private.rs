//! What the expansions of the macros name. Not for users: it changes without notice, and its public
//! name bears the version of the macros that it belongs to.
#![allow(missing_docs)]

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::Bulk;
pub use crate::codec::{Reader, Writer};
pub use crate::pool::batch::{Batch, run};
pub use crate::reentry::{enter_main, enter_test};
pub use crate::registry::{Registered, RegisteredTest, inventory};
pub use crate::shared::field::{Field, Flags, behind_tag, field, refuse_drop, with_fields};
pub use crate::shared::{Candidate, Form, Layout, advice};
pub use crate::task::Prepared;
use crate::task::{Location, Prepare, Run, TaskInfo, id_of};
use crate::{DecodeError, EncodeError};
pub use carom_macros::{instead, with};

/// The proof that a type can go to another process, and how it does.
pub struct Travels<T> {
    encode: fn(&T, &mut Writer) -> Result<(), EncodeError>,
    decode: fn(&mut Reader<'_>) -> Result<T, DecodeError>,
    /// How many of them go at once, if they are plain numbers.
    many: fn() -> Option<Many<T>>,
    /// How a large one travels alone, if it is a vector of plain numbers.
    bulk: fn() -> Option<Bulk<T>>,
}

impl<T> Clone for Travels<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Travels<T> {}

/// How many values travel as one block: numbers.
pub struct Many<T> {
    pub(crate) encode: fn(&[T], &mut Writer) -> Result<(), EncodeError>,
    pub(crate) decode: fn(&mut Reader<'_>) -> Result<Vec<T>, DecodeError>,
    /// The numbers that bytes are, as they stand in memory, if they are whole ones.
    pub(crate) numbers: fn(&[u8]) -> Option<Vec<T>>,
}

impl<T> Travels<T> {
    /// How a type travels that is put together of others.
    pub const fn by(
        encode: fn(&T, &mut Writer) -> Result<(), EncodeError>,
        decode: fn(&mut Reader<'_>) -> Result<T, DecodeError>,
    ) -> Self {
        Self { encode, decode, many: || None, bulk: || None }
    }

    pub fn encode(&self, value: &T, writer: &mut Writer) -> Result<(), EncodeError> {
        (self.encode)(value, writer)
    }

    pub fn decode(&self, reader: &mut Reader<'_>) -> Result<T, DecodeError> {
        (self.decode)(reader)
    }

    pub(crate) fn bulk(&self) -> Option<Bulk<T>> {
        (self.bulk)()
    }

    pub(crate) fn many(&self) -> Option<Many<T>> {
        (self.many)()
    }
}

/// How the input and the output of a task travel.
pub struct Codec<I, O> {
    pub input: Travels<I>,
    pub output: Travels<O>,
}

/// Encodes a `Result` of which each half travels.
pub fn encode_result<T, E>(
    result: &Result<T, E>,
    ok: Travels<T>,
    err: Travels<E>,
    writer: &mut Writer,
) -> Result<(), EncodeError> {
    writer.write(&result.is_ok())?;
    match result {
        Ok(value) => ok.encode(value, writer),
        Err(error) => err.encode(error, writer),
    }
}

/// Decodes a `Result` of which each half travels.
pub fn decode_result<T, E>(
    ok: Travels<T>,
    err: Travels<E>,
    reader: &mut Reader<'_>,
) -> Result<Result<T, E>, DecodeError> {
    Ok(if reader.read()? { Ok(ok.decode(reader)?) } else { Err(err.decode(reader)?) })
}

// The roles of a type in a signature. They are one bound, and differ in what the compiler says.

#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a task: it does not implement serde's `Serialize` and `Deserialize`",
    label = "cannot be sent to another process",
    note = "it and all types in it need both: to one of your own, add `#[derive(serde::Serialize, serde::Deserialize)]`; a file or socket goes as `carom::Fd<File>`; otherwise pass what it is made from"
)]
pub trait Argument: Serialize + DeserializeOwned {}
#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Argument for T {}

#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by a task: it does not implement serde's `Serialize` and `Deserialize`",
    label = "cannot be sent back to the caller",
    note = "it and all types in it need both: to one of your own, add `#[derive(serde::Serialize, serde::Deserialize)]`; for an alias of `Result` whose error lacks serde, return `Result<T, carom::RemoteError>`"
)]
pub trait Output: Serialize + DeserializeOwned {}
#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Output for T {}

#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a task: it does not implement serde's `Serialize` and `Deserialize`",
    label = "cannot be sent back to the caller",
    note = "return `Result<_, carom::RemoteError>`: any `std::error::Error` becomes one by `?`; or add `#[derive(serde::Serialize, serde::Deserialize)]` to an error type of your own"
)]
pub trait Failure: Serialize + DeserializeOwned {}
#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Failure for T {}

const fn travels<T: Serialize + DeserializeOwned>() -> Travels<T> {
    Travels {
        encode: |value, writer| writer.write(value),
        decode: |reader| reader.read(),
        many: many::<T>,
        bulk: crate::codec::bulk::<T>,
    }
}

fn many<T: Serialize + DeserializeOwned>() -> Option<Many<T>> {
    let many = || Many {
        encode: |values, writer| writer.write(values),
        decode: |reader| reader.read(),
        numbers: crate::codec::numbers_of::<T>,
    };
    crate::codec::is_number::<T>().then(many)
}

pub const fn argument<T: Argument>() -> Travels<T> {
    travels()
}

pub const fn output<T: Output>() -> Travels<T> {
    travels()
}

pub const fn error<T: Failure>() -> Travels<T> {
    travels()
}

pub const fn task_info(
    name: &'static str,
    (file, line, column): (&'static str, u32, u32),
    (timeout, soft_timeout, retries): (Option<Duration>, Option<Duration>, u32),
    (prepare, run): (Prepare, Run),
) -> TaskInfo {
    let (id, location) = (id_of(name), Location { file, line, column });
    TaskInfo { name, id, location, timeout, soft_timeout, retries, prepare, run }
}

/// Whether what a task returned is a failure, and its text, decided by its type.
///
/// The traits are tried in the order of the references that they take (`&&&&&&Outcome` has them all): what
/// says most comes first, what is no `Result` last.
pub mod outcome {
    use std::any::type_name;
    use std::error::Error;
    use std::fmt::{Debug, Display};

    use crate::RemoteError;

    pub struct Outcome<'a, T>(pub &'a T);

    fn text<T, E>(result: &Result<T, E>, text: impl FnOnce(&E) -> String) -> Option<String> {
        result.as_ref().err().map(text)
    }

    macro_rules! told_by {
        ($name:ident, $reference:ty, [$($generics:tt)*], $text:expr) => {
            pub trait $name {
                fn carom_failure(&self) -> Option<String>;
            }
            impl<T, $($generics)*> $name for $reference {
                fn carom_failure(&self) -> Option<String> {
                    text(self.0, $text)
                }
            }
        };
    }

    told_by!(Remote, &&&&&Outcome<'_, Result<T, RemoteError>>, [], |error: &RemoteError| format!("{error:?}"));
    told_by!(Chained, &&&&Outcome<'_, Result<T, E>>, [E: Error], |error: &E| crate::report::report(error));
    told_by!(Displayed, &&&Outcome<'_, Result<T, E>>, [E: Display], ToString::to_string);
    told_by!(Debugged, &&Outcome<'_, Result<T, E>>, [E: Debug], |error: &E| format!("{error:?}"));
    told_by!(Opaque, &Outcome<'_, Result<T, E>>, [E], |_: &E| {
        format!("a `{}`, which implements neither `Display` nor `Debug`", type_name::<E>())
    });

    pub trait Plain {
        fn carom_failure(&self) -> Option<String>;
    }
    impl<T> Plain for Outcome<'_, T> {
        fn carom_failure(&self) -> Option<String> {
            None
        }
    }
}
