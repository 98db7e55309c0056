//! All options, and what is known of a task that sets none.
#![deny(warnings)]
use std::time::Duration;

use carom::Task;

#[carom::task(name = "img.thumb", timeout = "1m30s", soft_timeout = "500ms", retries = 2)]
fn thumbnail() {}

#[carom::task(timeout = "2h", soft_timeout = "7us8ns")]
fn limits() {}

#[carom::task()]
fn plain() {}

mod inner {
    #[carom::task(name = r"raw::name")]
    pub(crate) fn raw() {}

    #[carom::task]
    pub(crate) fn plain() {}
}

fn main() {
    let info = thumbnail::INFO;
    assert_eq!(info.name(), "img.thumb");
    assert_eq!(info.timeout(), Some(Duration::from_secs(90)));
    assert_eq!(info.soft_timeout(), Some(Duration::from_millis(500)));
    assert_eq!(info.retries(), 2);
    assert!(info.location().file.ends_with("options.rs"));
    assert_eq!((info.location().line, info.location().column), (7, 1));

    assert_eq!(limits::INFO.timeout(), Some(Duration::from_secs(7200)));
    assert_eq!(limits::INFO.soft_timeout(), Some(Duration::from_nanos(7008)));

    let info = plain::INFO;
    assert_eq!(info.name(), concat!(module_path!(), "::plain"));
    assert_eq!((info.timeout(), info.soft_timeout(), info.retries()), (None, None, 0));

    assert_eq!(inner::raw::INFO.name(), "raw::name");
    assert_eq!(inner::plain::INFO.name(), concat!(module_path!(), "::inner::plain"));
    assert_eq!(carom::task::registered().count(), 5);
}
