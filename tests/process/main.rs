//! Processes, from the side of those who start them. Named by behaviour, after the rows PROC-* of the
//! Python libraries' process objects.

#[path = "../common/mod.rs"]
mod common;

mod arguments;
mod ending;
mod family;
mod faults;
mod options;
mod surroundings;
mod tasks;
