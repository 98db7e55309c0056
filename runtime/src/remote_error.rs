//! An error that has travelled: what it said, where it arose, what caused it.

use std::error::Error;
use std::fmt;
use std::panic::Location;

use serde::{Deserialize, Serialize};

/// The error of a task, in a form that any process can read.
///
/// Most error types cannot be sent to another process. A task that meets such errors returns
/// `Result<T, RemoteError>`, and `?` turns any [`std::error::Error`] into one, with its message, its
/// `Debug` text, the chain of its sources, the name of its type and the place of the `?`.
///
/// Like `anyhow::Error`, this type is not itself a `std::error::Error` (or `?` could not convert all of
/// those); it converts into `Box<dyn Error + Send + Sync>`.
///
/// ```
/// #[carom::task]
/// fn size(path: String) -> Result<u64, carom::RemoteError> {
///     Ok(std::fs::metadata(path)?.len())
/// }
///
/// let error = size("/no/such/file".to_owned()).unwrap_err();
/// assert_eq!(error.type_name(), "std::io::error::Error");
/// assert_eq!(error.to_string(), "No such file or directory (os error 2)");
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteError(Box<Parts>);

/// Boxed, so that a `Result` with this error stays small.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Parts {
    message: String,
    debug: String,
    sources: Vec<String>,
    type_name: String,
    file: String,
    line: u32,
}

impl RemoteError {
    /// An error that consists of a message.
    #[track_caller]
    pub fn msg(message: impl fmt::Display) -> Self {
        let message = message.to_string();
        let debug = format!("{message:?}");
        Self::at(Location::caller(), message, debug, Vec::new(), "")
    }

    /// Takes over a boxed error; also the way for `anyhow::Error` and its like, which convert into a box:
    /// `.map_err(|e| RemoteError::from_boxed(e.into()))`.
    #[track_caller]
    pub fn from_boxed(error: Box<dyn Error + Send + Sync>) -> Self {
        Self::of(Location::caller(), &*error, "")
    }

    fn of(place: &Location<'_>, error: &dyn Error, type_name: &str) -> Self {
        let sources = std::iter::successors(error.source(), |&cause| cause.source()).map(ToString::to_string).collect();
        Self::at(place, error.to_string(), format!("{error:?}"), sources, type_name)
    }

    fn at(place: &Location<'_>, message: String, debug: String, sources: Vec<String>, type_name: &str) -> Self {
        let (file, line, type_name) = (place.file().to_owned(), place.line(), type_name.to_owned());
        Self(Box::new(Parts { message, debug, sources, type_name, file, line }))
    }

    /// What the error's `Display` said.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What the error's `Debug` said.
    pub fn debug_text(&self) -> &str {
        &self.0.debug
    }

    /// The messages of its sources, nearest first.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.0.sources.iter().map(String::as_str)
    }

    /// The full name of the type that it was; empty where only a message or a box was given.
    pub fn type_name(&self) -> &str {
        &self.0.type_name
    }

    /// File and line of the `?` (or of the call) that made it.
    pub fn location(&self) -> (&str, u32) {
        (&self.0.file, self.0.line)
    }
}

impl<E: Error> From<E> for RemoteError {
    #[track_caller]
    fn from(error: E) -> Self {
        Self::of(Location::caller(), &error, std::any::type_name::<E>())
    }
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

/// The message, its sources and its place, over several lines: what a failed task prints.
impl fmt::Debug for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        for source in &self.0.sources {
            write!(f, "\n  caused by: {source}")?;
        }
        if !self.0.type_name.is_empty() {
            write!(f, "\n  type: {}", self.0.type_name)?;
        }
        write!(f, "\n  at {}:{}", self.0.file, self.0.line)
    }
}

/// A [`RemoteError`] in the shape of a `std::error::Error`, with its sources as a chain.
struct Boxed {
    message: String,
    debug: String,
    source: Option<Box<Boxed>>,
}

impl fmt::Display for Boxed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Boxed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.debug)
    }
}

impl Error for Boxed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<RemoteError> for Box<dyn Error + Send + Sync> {
    fn from(error: RemoteError) -> Self {
        let debug = format!("{error:?}");
        let Parts { message, sources, .. } = *error.0;
        let source = sources
            .into_iter()
            .rev()
            .fold(None, |source, message| Some(Box::new(Boxed { debug: format!("{message:?}"), message, source })));
        Box::new(Boxed { message, debug, source })
    }
}

impl From<RemoteError> for Box<dyn Error> {
    fn from(error: RemoteError) -> Self {
        Box::<dyn Error + Send + Sync>::from(error)
    }
}

#[cfg(test)]
mod tests {
    use super::RemoteError;
    use std::error::Error;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot load the settings")]
    struct Load(#[source] std::num::ParseIntError);

    fn load() -> Result<u8, RemoteError> {
        Ok("x".parse().map_err(Load)?)
    }

    #[test]
    fn a_question_mark_keeps_all_that_is_known() {
        let error = load().expect_err("not a number");
        assert_eq!(error.message(), "cannot load the settings");
        assert_eq!(error.sources().collect::<Vec<_>>(), ["invalid digit found in string"]);
        assert!(error.type_name().ends_with("::Load"), "{}", error.type_name());
        assert!(error.debug_text().contains("InvalidDigit"), "{}", error.debug_text());
        let (file, line) = error.location();
        assert!(file.ends_with("remote_error.rs"));
        assert!(line > 150, "the place of the `?`, not of the conversion: line {line}");
    }

    #[test]
    fn as_a_boxed_error_it_has_its_sources() {
        let boxed: Box<dyn Error + Send + Sync> = load().expect_err("not a number").into();
        assert_eq!(boxed.to_string(), "cannot load the settings");
        assert_eq!(boxed.source().map(ToString::to_string).as_deref(), Some("invalid digit found in string"));
    }

    #[test]
    fn a_boxed_error_becomes_one() {
        let boxed: Box<dyn Error + Send + Sync> = "plain".into();
        assert_eq!(RemoteError::from_boxed(boxed).message(), "plain");
        assert_eq!(RemoteError::msg(format_args!("{} {}", 1, 2)).to_string(), "1 2");
    }
}
