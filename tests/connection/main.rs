//! Connections, from the side of those who send and receive. Named by behaviour, after the rows COMM-* of the
//! Python libraries' connections.

#[path = "../common/mod.rs"]
mod common;

mod bytes;
mod faults;
mod handles;
mod limits;
mod messages;
mod numbers_of_handles;
mod python;
mod raw;
mod read_ahead;
mod waiting;
