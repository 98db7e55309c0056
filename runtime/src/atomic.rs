//! The atomics of `raw`, which the models of `tests/models` are compiled with others for.

pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
