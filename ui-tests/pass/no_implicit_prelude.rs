//! The expansion needs nothing of the prelude.
#![deny(warnings)]
#![no_implicit_prelude]

#[::carom::task(name = "bare", timeout = "5s", soft_timeout = "4s", retries = 2)]
fn bare(number: u64, text: ::std::string::String) -> ::std::result::Result<u64, ::carom::RemoteError> {
    ::std::assert_eq!((number, &*text), (3, "text"));
    ::std::result::Result::Ok(number)
}

#[::carom::task]
fn nothing() {}

::carom::tasks! {
    ::std::string::String::into_bytes as bytes(text: ::std::string::String) -> ::std::vec::Vec<u8>;
}

#[::carom::main]
fn main() -> ::carom::Result<()> {
    use ::std::borrow::ToOwned;
    nothing();
    ::std::assert_eq!(bytes("text".to_owned()), b"text");
    ::std::assert!(::carom::Process::spawn(bare, (3, "text".to_owned()))?.join()?.success());
    ::std::assert!(::carom::Process::spawn(nothing, ())?.join()?.success());
    ::std::result::Result::Ok(())
}

#[::carom::test]
fn is_a_test_of_the_harness_only() {}
