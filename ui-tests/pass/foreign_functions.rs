//! `tasks!` makes tasks of functions that know nothing of carom.
#![deny(warnings)]
#![deny(missing_docs)]
use std::time::Duration;

use carom::{Process, Task};

/// As of another crate.
mod codec {
    pub fn decode(bytes: Vec<u8>, strict: bool) -> Result<String, std::string::FromUtf8Error> {
        assert!(strict);
        String::from_utf8(bytes)
    }

    pub fn decode_or_panic(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).expect("UTF-8")
    }

    pub struct Text;

    impl Text {
        pub fn parse<T: std::str::FromStr>(text: String) -> Option<T> {
            text.parse().ok()
        }
    }
}

carom::tasks! {
    /// Decodes text.
    #[task(name = "codec.decode", timeout = "5s", retries = 3)]
    pub codec::decode_or_panic as decode(bytes: Vec<u8>) -> String;

    codec::Text::parse::<u64> as parse(text: String) -> Option<u64>;

    /// Ends the process.
    std::process::exit as leave(code: i32);

    std::mem::drop::<Vec<u8>> as forget(bytes: Vec<u8>,);

    #[allow(dead_code)]
    ::std::string::String::into_bytes as into_bytes(text: String) -> Vec<u8>;

    <f64 as std::ops::Add<f64>>::add as add(a: f64, b: f64) -> f64;
}

carom::tasks! {}

#[carom::main]
fn main() -> carom::Result<()> {
    assert!(codec::decode(vec![0xFF], true).is_err());
    assert_eq!(decode(b"text".to_vec()), "text");
    assert_eq!((parse("3".to_owned()), add(1.0, 2.0)), (Some(3), 3.0));
    forget(into_bytes("text".to_owned()));
    assert_eq!(decode::INFO.name(), "codec.decode");
    assert_eq!((decode::INFO.timeout(), decode::INFO.retries()), (Some(Duration::from_secs(5)), 3));
    assert_eq!(parse::INFO.name(), concat!(module_path!(), "::parse"));
    assert_eq!(Process::spawn(leave, 7)?.join()?.code(), Some(7));
    assert!(Process::spawn(decode, b"text".to_vec())?.join()?.success());
    Ok(())
}
