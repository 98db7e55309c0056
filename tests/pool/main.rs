//! Pools, from the side of those who use them. Named by behaviour, after the rows POOL-* of the Python
//! libraries' pools.

#[path = "../common/mod.rs"]
mod common;

mod bulk;
mod calls;
mod ending;
mod failures;
mod handles;
mod kills;
mod losses;
mod maps;
mod overwriting;
mod programs;
mod results;
mod stage;
mod standing;
mod travel;
