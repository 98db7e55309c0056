//! Memory that processes share: values, arrays, locks, bytes and lists. Named by behaviour, after the rows SHM-* and SYNC-01 to
//! SYNC-04 of the Python libraries.

#[path = "../common/mod.rs"]
mod common;

mod arrays;
mod bytes;
mod giving_back;
mod handles;
mod left_locks;
mod limits;
mod lists;
mod locks;
mod mismatches;
mod names;
mod orphans;
mod outside;
mod raw;
mod repairs;
mod stage;
mod storms;
mod travel;
mod values;
