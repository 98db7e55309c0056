//! Pools, from the side of those who use them. Named by behaviour, after the rows POOL-* of the Python
//! libraries' pools.

#[path = "../common/mod.rs"]
mod common;

mod bulk;
mod calls;
mod deaths;
mod ending;
mod failures;
mod groups;
mod handles;
mod kills;
mod limits;
mod losses;
mod maps;
mod memory;
mod moments;
mod overdue;
mod overwriting;
mod pains;
mod programs;
mod recycling;
mod results;
mod retries;
mod stage;
mod standing;
mod stderr;
mod travel;
mod waking;
