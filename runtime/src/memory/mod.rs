//! Memory that processes share.
//!
//! `segment` is one piece of it, with the rules by which it is known what is in use; `extents` tells what is free in one,
//! `arena` chooses one, and `object` is what a handle refers to.

mod arena;
mod error;
mod extents;
mod object;
mod segment;

pub use error::{MemoryError, OutOfBounds};
pub(crate) use object::{Head, Object, What, look_after};
