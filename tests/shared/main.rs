//! Values, arrays and locks in memory that processes share.

#[path = "../common/mod.rs"]
mod common;

mod bytes;
mod handles;
mod lists;
mod names;
