//! The clock that is never set, as a number that all processes agree on.

use nix::time::{ClockId, clock_gettime};

/// Nanoseconds since some time.
pub(crate) fn nanoseconds() -> u64 {
    // this clock is always there
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(0, |now| now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64)
}

/// The same, some milliseconds old, for a fraction of the time.
pub(crate) fn coarse_nanoseconds() -> u64 {
    clock_gettime(ClockId::CLOCK_MONOTONIC_COARSE)
        .map_or(0, |now| now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64)
}

/// Milliseconds since some time; it starts again from 0 every seven weeks.
pub(crate) fn milliseconds() -> u32 {
    // this clock is always there
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(0, |now| {
        let milliseconds = now.tv_sec() as u64 * 1000 + now.tv_nsec() as u64 / 1_000_000;
        milliseconds as u32
    })
}
