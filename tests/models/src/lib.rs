//! Models of `runtime/src/raw`: its very files, with few threads, in all interleavings, with a death at every point.
//!
//! `cargo test -p carom-models -- --nocapture` runs them under the `checker`, and says how many states each has. Under Miri the
//! same models are plain threads with real atomics.
//!
//! A model has the protocol by which `runtime/src/sync` sleeps and wakes, in a few lines, but nobody looks by itself every quarter
//! of a second: so a wake-up that is lost is a thread that sleeps for ever, which the checker finds. Only when a thread has died, each
//! sleeper looks once.
//!
//! A pool is modelled too: `raw::doorbell` between a worker and its pool, and then reactor, workers and callers with the decisions
//! that `runtime/src/pool/handoff.rs` makes. What is around them (who holds the lock when, in which order it is looked) is written here as
//! `desk.rs`, `member.rs`, `engine.rs` and `reactor.rs` have it, and has to be changed with them. There nobody looks by itself after a
//! death: the reactor is told, and all others sleep on.
//!
//! The checker runs one thread at a time, so it knows of no order weaker than that of `SeqCst`, and refuses any other. `raw::turn`, one
//! word with one exchange and the only one that is `Relaxed`, is not modelled.
#![cfg(test)]
#![deny(unsafe_code)]

#[cfg(not(miri))] // not written for plain threads
mod doorbell;
mod flag;
mod permits;
#[cfg(not(miri))]
mod pool;
mod rounds;
mod waiters;

#[cfg_attr(miri, path = "plain.rs")]
mod checker;
mod words;

mod atomic;
#[cfg(not(miri))]
#[path = "../../../runtime/src/pool/handoff.rs"]
mod handoff;
#[path = "../../../runtime/src/raw/mod.rs"]
#[allow(dead_code, reason = "what a model does not need")]
mod raw;
