//! What a direction of a connection carries, as types.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// In place of a type: values of any type.
#[derive(Clone, Copy, Debug)]
pub enum Untyped {}

/// In place of a type: no values; the direction is not there.
#[derive(Clone, Copy, Debug)]
pub enum Never {}

/// What a connection that sends `Self` takes: `Self` itself, or anything where it is [`Untyped`].
#[diagnostic::on_unimplemented(
    message = "this connection does not send `{T}`",
    label = "it sends `{Self}`",
    note = "an end that sends `Never` only receives; one that sends `Untyped` sends whatever serde can serialise"
)]
pub trait Sends<T: ?Sized> {}
#[diagnostic::do_not_recommend]
impl<T: Serialize> Sends<T> for T {}
#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> Sends<T> for Untyped {}
// what serde writes for the one is what it reads for the other
#[diagnostic::do_not_recommend]
impl Sends<str> for String {}

/// What a connection that receives `Self` gives: `Self` itself, or what is asked for where it is [`Untyped`].
#[diagnostic::on_unimplemented(
    message = "this connection does not receive `{T}`",
    label = "it receives `{Self}`",
    note = "an end that receives `Never` only sends; one that receives `Untyped` receives whatever serde can deserialise"
)]
pub trait Receives<T> {}
#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> Receives<T> for T {}
#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> Receives<T> for Untyped {}

/// A type that has no values and that nobody can name.
#[derive(serde::Serialize, serde::Deserialize)]
pub enum Nameless {}

// two for each: from fewer, the compiler concludes which type was meant, and says no more than that it differs
#[diagnostic::do_not_recommend]
impl Sends<Nameless> for Never {}
#[diagnostic::do_not_recommend]
impl Sends<(Nameless,)> for Never {}
#[diagnostic::do_not_recommend]
impl Receives<Nameless> for Never {}
#[diagnostic::do_not_recommend]
impl Receives<(Nameless,)> for Never {}

/// What an end that sends at all sends.
#[diagnostic::on_unimplemented(message = "this end of the pipe only receives", label = "it sends `{Self}`")]
pub trait Sending {}
#[diagnostic::do_not_recommend]
impl Sending for Untyped {}
#[diagnostic::do_not_recommend]
impl<T: Serialize> Sending for T {}

/// What an end that receives at all receives.
#[diagnostic::on_unimplemented(message = "this end of the pipe only sends", label = "it receives `{Self}`")]
pub trait Receiving {}
#[diagnostic::do_not_recommend]
impl Receiving for Untyped {}
#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> Receiving for T {}
