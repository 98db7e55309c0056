//! Panics of tasks, caught where they happen with all that is known of them.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::RefCell;
use std::fmt;
use std::panic::{PanicHookInfo, set_hook, take_hook};

use serde::{Deserialize, Serialize};

/// A panic of a task in a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Panic {
    message: String,
    place: Option<(String, u32, u32)>,
    backtrace: Option<String>,
}

impl Panic {
    /// What `panic!` was given; of a payload that is no text, that it is not.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// File, line and column of the `panic!`. None if the task has set a panic hook of its own.
    pub fn location(&self) -> Option<(&str, u32, u32)> {
        self.place.as_ref().map(|(file, line, column)| (file.as_str(), *line, *column))
    }

    /// The call stack, if the environment asks for one (`RUST_BACKTRACE=1`).
    pub fn backtrace(&self) -> Option<&str> {
        self.backtrace.as_deref()
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some((file, line, column)) => write!(f, "{} at {file}:{line}:{column}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

thread_local! {
    static LAST: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

/// Has each panic of this process noted, and then do what it did before.
pub(super) fn watch() {
    let before = take_hook();
    set_hook(Box::new(move |info| {
        note(info);
        before(info);
    }));
}

fn note(info: &PanicHookInfo<'_>) {
    let message = message(info.payload());
    let place = info.location().map(|place| (place.file().to_owned(), place.line(), place.column()));
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    LAST.set(Some(Panic { message, place, backtrace }));
}

fn message(payload: &dyn Any) -> String {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref().map(String::as_str));
    text.unwrap_or("a payload that is no text").to_owned()
}

/// The panic that this thread has just caught.
pub(super) fn taken(payload: Box<dyn Any + Send>) -> Panic {
    let message = message(&*payload);
    // its drop may panic again
    std::mem::forget(payload);
    match LAST.take() {
        // not one that the task caught itself
        Some(panic) if panic.message == message => panic,
        _ => Panic { message, place: None, backtrace: None },
    }
}
