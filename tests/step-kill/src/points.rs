//! All points at which an operation can be killed, and how a child comes to each.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::fault::{Fault, Kind};
use crate::operation::{Found, Kill, Operation};
use crate::tracee::{Stop, Tracee, begin, end};

/// Longer operations are taken for endless ones.
const LONGEST: usize = 50_000;

/// How often an operation is stepped through.
const TRACES: usize = 4;

/// How often a child is sent to a point again that it did not come to.
const TRIES: usize = 6;

/// Stands in a trace for an address where a child sleeps, in the system call before.
pub(crate) const ASLEEP: usize = 0;

/// How a child comes to a point: to an address, for the n-th time, and on by some steps.
#[derive(Clone, Copy)]
pub(crate) struct Route {
    address: usize,
    times: usize,
    steps: usize,
}

/// The shortest of some traces: who reads the clock while it is set, which a slow reader does at times, reads it again.
pub(crate) fn shortest_trace<T>(operation: &Operation<T>) -> Result<Vec<usize>, Fault> {
    let mut shortest = trace(operation)?;
    for _ in 1..TRACES {
        let other = trace(operation)?;
        if other.len() < shortest.len() {
            shortest = other;
        }
    }
    Ok(shortest)
}

/// The addresses that a child comes to, from the first instruction to the end of the operation.
fn trace<T>(operation: &Operation<T>) -> Result<Vec<usize>, Fault> {
    let object = (operation.arrange)();
    let mut tracee = Tracee::start(operation.sleeps, || (operation.run)(&object));
    let mut trace = vec![begin as *const () as usize];
    loop {
        match tracee.step() {
            Stop::At(address) => trace.push(address),
            Stop::Asleep => {
                trace.push(ASLEEP);
                return Ok(trace);
            }
            Stop::Other(status) => {
                return Err(Kind::Untrue.fault(format!("the operation did not end, but its process, with {status:#x}")));
            }
        }
        if trace.last() == Some(&(end as *const () as usize)) {
            return Ok(trace);
        }
        if trace.len() > LONGEST {
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
    for _ in 0..TRIES {
        if killed.as_ref().is_ok_and(|(_, there)| *there != address) {
            killed = kill(operation, stepped);
        }
    }
    killed
}

fn kill<T>(operation: &Operation<T>, route: Route) -> Result<(Found, usize), Fault> {
    let object = (operation.arrange)();
    let mut tracee = Tracee::start(operation.sleeps, || (operation.run)(&object));
    let end = end as *const () as usize;
    let mut there = begin as *const () as usize;
    for stop in 0..route.times + route.steps {
        // where time passes differently, the way may be a shorter one
        if there == end || there == ASLEEP {
            break;
        }
        match if stop < route.times { tracee.go_to(route.address) } else { tracee.step() } {
            Stop::At(address) => there = address,
            Stop::Asleep => there = ASLEEP,
            Stop::Other(status) => return Err(Kind::Untrue.fault(format!("its process ended, with {status:#x}"))),
        }
    }
    let kill = Kill { pid: tracee.pid, finished: there == end };
    drop(tracee);
    let survived = catch_unwind(AssertUnwindSafe(|| (operation.survive)(object, &kill)));
    let found = survived.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(Kind::Untrue.fault(text.unwrap_or_else(|| "the survivor panicked".to_owned())))
    });
    Ok((found?, there))
}
