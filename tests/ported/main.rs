//! Programs from the documents that carom was asked from, each as natural as its Python counterpart. The numbers
//! are those of the list of such programs.

#[path = "../common/mod.rs"]
mod common;

mod end_marker;
mod ping_pong;
mod raw_bytes;
mod service;
mod squares;
mod until_end_of_file;
