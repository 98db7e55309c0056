//! Soft time limits of tasks in a pool: each call of carom that waits ends at them, by an error or by unwinding, and leaves what it waited
//! for in order.

#[path = "../common/mod.rs"]
mod common;

mod barriers;
mod calls;
mod conditions;
mod connections;
mod current;
mod half_messages;
mod pools;
mod processes;
mod sharing_an_end;
mod stage;
mod things;
mod unwinding;
mod waits;
