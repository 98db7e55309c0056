//! Memory that processes share.
//!
//! `object` is what a handle refers to, `arena` chooses where it is placed. `segment` is one piece of memory, with the rules by
//! which it is known what is in use; `space` is what its owner knows, with `extents` for what is free.

mod arena;
mod error;
mod extents;
mod object;
mod segment;
mod space;

pub use error::{MemoryError, OutOfBounds};
pub(crate) use object::{Head, Object, PRIVATE, What, child_ended, sent};
