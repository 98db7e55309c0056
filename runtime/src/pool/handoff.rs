//! Who takes replies, and whose bells are rung: what the [`engine`](super::engine) decides by its rules 1, 2 and 4, without its lock and
//! without a system call, so that the models of `tests/models` decide the same.

/// Who is rung for.
pub(super) const DRIVER: u32 = 0;
pub(super) const REACTOR: u32 = 1;

/// Under the engine's lock.
#[derive(Clone, Copy, Hash)]
pub(super) struct Handoff<Time> {
    /// A thread that waits for outcomes takes replies.
    is_driven: bool,
    /// There is an outcome, or a worker, that it does not know of.
    pub(super) has_news: bool,
    /// The reactor has something to do before its alarm.
    pub(super) calls_reactor: bool,
    /// When the reactor looks after the workers by itself.
    pub(super) alarm: Option<Time>,
}

impl<Time> Default for Handoff<Time> {
    fn default() -> Self {
        Self { is_driven: false, has_news: false, calls_reactor: false, alarm: None }
    }
}

impl<Time: Ord> Handoff<Time> {
    /// A thread that found nothing takes replies from now on; false if another one does. `drives` is whether it did before.
    pub(super) fn drive(&mut self, drives: &mut bool) -> bool {
        if self.is_driven && !*drives {
            return false;
        }
        (self.is_driven, *drives, self.has_news) = (true, true, false);
        true
    }

    /// A thread does not wait any more.
    pub(super) fn stop(&mut self, drives: bool) {
        self.is_driven &= !drives;
    }

    /// The driver is about to sleep: whether the reactor is to be rung for.
    pub(super) fn rings_reactor(&mut self) -> bool {
        std::mem::take(&mut self.calls_reactor)
    }

    /// A worker was given a job, and is to be looked at then.
    pub(super) fn given(&mut self, look: Time) {
        if self.alarm.as_ref().is_none_or(|alarm| *alarm > look) {
            // until the reactor has set it anew
            self.alarm = Some(look);
            self.calls_reactor = true;
        }
    }

    /// Whether somebody is to be rung for though the thread that did something is about to wait.
    pub(super) fn is_urgent(&self, reactor_is_needed: bool) -> bool {
        self.is_driven || self.calls_reactor || reactor_is_needed
    }

    /// Something was done by a thread that does not wait: whether driver and reactor are to be rung for. Where there is no driver,
    /// `want` says that replies are to be rung for at the reactor's, and whether some are there already.
    pub(super) fn after(&mut self, reactor_is_needed: bool, want: impl FnOnce() -> bool) -> [bool; 2] {
        let calls_reactor = std::mem::take(&mut self.calls_reactor) || reactor_is_needed;
        match self.is_driven {
            true => [std::mem::take(&mut self.has_news), calls_reactor],
            false => [false, want() || calls_reactor],
        }
    }
}

/// After how many more replies a worker with so many open requests rings; none if it need not. It may be full of requests that were
/// taken back.
pub(super) fn more(whom: u32, soon: bool, open: u64, is_full: bool) -> Option<u64> {
    // the driver is not asked before others are given jobs while it sleeps; the reactor is
    let is_asked = open > 0 || is_full || whom == DRIVER;
    is_asked.then(|| if soon { 1 } else { (open / 2).max(1) })
}
