//! All points at which an operation can be killed, and how a child comes to each.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::fault::{Fault, Kind};
use crate::operation::{Found, Kill, Operation, Run};
use crate::tracee::{Stop, Tracee, begin, end};
use crate::watchdog;

/// Longer operations are taken for endless ones.
const LONGEST: usize = 50_000;

/// How often an operation is stepped through.
const TRACES: usize = 4;

/// How often a child is sent to a point again that it did not come to.
const TRIES: usize = 6;

/// A sleeper is sent to one of so many points again, once: to step there takes long.
const SPARSE_TRIES: usize = 4;

/// Stands in a trace for an address where a child sleeps, in the system call before, or a sleeper has ended by itself.
pub(crate) const ASLEEP: usize = 0;

/// How a child comes to a point: to an address, for the n-th time, and on by some steps.
#[derive(Clone, Copy)]
pub(crate) struct Route {
    address: usize,
    times: usize,
    steps: usize,
}

/// What an operation comes to, from its first instruction to its end.
pub(crate) struct Trace {
    /// Where, or [`ASLEEP`].
    pub(crate) addresses: Vec<usize>,
    /// Whether others see at once what is done there.
    visible: Vec<bool>,
}

impl Trace {
    /// Whether others see at once what is done at most so many instructions before or after this one.
    pub(crate) fn is_visible_near(&self, k: usize, near: usize) -> bool {
        self.visible[k.saturating_sub(near)..self.visible.len().min(k + near + 1)].contains(&true)
    }
}

/// The shortest of some traces: who reads the clock while it is set, which a slow reader does at times, reads it again.
pub(crate) fn shortest_trace<T>(operation: &Operation<T>) -> Result<Trace, Fault> {
    let mut shortest = trace(operation)?;
    // who sleeps waits for nobody meanwhile
    let traces = if matches!(operation.run, Run::Copy(_)) { TRACES } else { TRACES / 2 };
    for _ in 1..traces {
        let other = trace(operation)?;
        if other.addresses.len() < shortest.addresses.len() {
            shortest = other;
        }
    }
    Ok(shortest)
}

fn trace<T>(operation: &Operation<T>) -> Result<Trace, Fault> {
    caught(|| try_to_trace(operation))
}

fn try_to_trace<T>(operation: &Operation<T>) -> Result<Trace, Fault> {
    let object = (operation.arrange)();
    let mut tracee = start(operation, &object);
    let (mut addresses, mut visible) = (vec![tracee.address()], Vec::new());
    loop {
        visible.push(tracee.is_visible());
        match tracee.step() {
            Stop::At(address) => addresses.push(address),
            Stop::Asleep => {
                addresses.push(ASLEEP);
                return Ok(Trace { addresses, visible });
            }
            Stop::Other(0) if matches!(operation.run, Run::Sleeper { .. }) => {
                addresses.push(ASLEEP);
                return Ok(Trace { addresses, visible });
            }
            Stop::Other(status) => {
                return Err(Kind::Untrue.fault(format!("the operation did not end, but its process, with {status:#x}")));
            }
        }
        if addresses.last() == Some(&(end as *const () as usize)) {
            return Ok(Trace { addresses, visible });
        }
        if addresses.len() > LONGEST {
            return Err(Kind::Hang.fault("the operation does not end"));
        }
    }
}

/// For each point the route with the fewest stops: a loop is entered by what comes before it.
pub(crate) fn routes(trace: &[usize]) -> Vec<Route> {
    let mut seen = HashMap::new();
    let mut best = Route { address: trace[0], times: 0, steps: 0 };
    let mut routes = vec![best];
    for &address in &trace[1..] {
        let times = *seen.entry(address).and_modify(|times| *times += 1).or_insert(1);
        best.steps += 1;
        // no breakpoint is where one sleeps
        if times <= best.times + best.steps && address != ASLEEP {
            best = Route { address, times, steps: 0 };
        }
        routes.push(best);
    }
    routes
}

/// Kills a child at the `k`-th point, which is at `address`; what the survivor found, and where the child was.
pub(crate) fn kill_at<T>(
    operation: &Operation<T>,
    k: usize,
    route: Route,
    address: usize,
) -> Result<(Found, usize), Fault> {
    let mut killed = kill(operation, route);
    // a way that depends on the time is then gone as slowly as it was the first time
    let stepped = Route { address: begin as *const () as usize, times: 0, steps: k };
    let tries = match operation.run {
        Run::Copy(_) => TRIES,
        Run::Sleeper { .. } => usize::from(k.is_multiple_of(SPARSE_TRIES)),
    };
    for _ in 0..tries {
        watchdog::watch();
        if killed.as_ref().is_ok_and(|(_, there)| *there != address) {
            killed = kill(operation, stepped);
        }
    }
    killed
}

fn kill<T>(operation: &Operation<T>, route: Route) -> Result<(Found, usize), Fault> {
    caught(|| try_to_kill(operation, route))
}

/// What it returns, or a fault if it panics.
fn caught<R>(run: impl FnOnce() -> Result<R, Fault>) -> Result<R, Fault> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(Kind::Untrue.fault(text.unwrap_or_else(|| "the survivor panicked".to_owned())))
    })
}

fn try_to_kill<T>(operation: &Operation<T>, route: Route) -> Result<(Found, usize), Fault> {
    let object = (operation.arrange)();
    let mut tracee = start(operation, &object);
    let end = end as *const () as usize;
    let mut there = tracee.address();
    let mut begun = matches!(operation.run, Run::Sleeper { begins: true, .. });
    for stop in 0..route.times + route.steps {
        // where time passes differently, the way may be a shorter one
        if there == end || there == ASLEEP {
            break;
        }
        begun = true;
        match if stop < route.times { tracee.go_to(route.address) } else { tracee.step() } {
            Stop::At(address) => there = address,
            Stop::Asleep => there = ASLEEP,
            // there is nobody to kill
            Stop::Other(0) if matches!(operation.run, Run::Sleeper { .. }) => there = ASLEEP,
            Stop::Other(status) => {
                let kill = Kill { pid: tracee.pid, begun, finished: false };
                drop(tracee);
                // a survivor may know more
                (operation.survive)(object, &kill)?;
                return Err(Kind::Untrue.fault(format!("its process ended, with {status:#x}")));
            }
        }
    }
    let finished = match operation.run {
        Run::Copy(_) => there == end,
        Run::Sleeper { .. } => there == ASLEEP,
    };
    let kill = Kill { pid: tracee.pid, begun, finished };
    drop(tracee);
    Ok(((operation.survive)(object, &kill)?, there))
}

/// Who does the operation, at its beginning.
fn start<T>(operation: &Operation<T>, object: &T) -> Tracee {
    match operation.run {
        Run::Copy(run) => Tracee::start(operation.sleeps, || run(object)),
        Run::Sleeper { pid, wake, begins } => {
            let mut tracee = Tracee::hold(pid(object));
            wake(object);
            if begins {
                let stop = tracee.go_to(begin as *const () as usize);
                assert!(matches!(stop, Stop::At(_)), "a sleeper did not come to its operation: {stop:?}");
            }
            tracee
        }
    }
}
