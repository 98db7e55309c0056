//! On which terms calls are made: their limits, and how often they may be begun.

use std::time::Duration;

use super::settings::Settings;
use crate::task::TaskInfo;

/// Those that a pool, or a caller, sets.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wishes {
    pub(super) timeout: Option<Duration>,
    pub(super) soft_timeout: Option<Duration>,
    pub(super) retries: Option<u32>,
}

/// Those that hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// After how long a call is ended, by the end of its worker.
    pub(super) timeout: Option<Duration>,
    /// After how long a call is to come to an end by itself.
    pub(super) soft_timeout: Option<Duration>,
    /// How often a call may be begun again.
    pub(super) retries: u32,
    /// After how long a worker that makes such a call is to be looked at; none if it need not.
    pub(super) look: Option<Duration>,
}

/// A call that waits behind others is not looked at more often than this, however short its limit.
const SHORTEST: Duration = Duration::from_millis(1);
/// How often a worker's memory is looked at, where that can cost a call.
const LOOK: Duration = Duration::from_millis(10);

impl Terms {
    /// The narrowest limits of task, pool and call. How often a call is repeated is said by the call, or else by the task.
    pub(super) fn new(task: &TaskInfo, settings: &Settings, call: Wishes) -> Self {
        let pool = settings.wishes;
        let narrowest = |limits: [Option<Duration>; 3]| limits.into_iter().flatten().min();
        let timeout = narrowest([task.timeout, pool.timeout, call.timeout]);
        Self {
            timeout,
            look: timeout
                .into_iter()
                .chain(settings.deadly_memory().map(|_| LOOK))
                .min()
                .map(|look| look.max(SHORTEST)),
            soft_timeout: narrowest([task.soft_timeout, pool.soft_timeout, call.soft_timeout]),
            retries: call.retries.unwrap_or(task.retries),
        }
    }
}
