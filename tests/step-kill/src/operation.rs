//! An operation, all points at which it can be killed, and what came of that.

use std::collections::HashMap;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::fault::{Fault, Kind};
use crate::tracee::{Stop, Tracee, end, place};

/// Longer operations are taken for endless ones.
const LONGEST: usize = 50_000;

/// So many faults of one operation are enough, and so many of all.
const ENOUGH: usize = 3;
const ENOUGH_OF_ALL: usize = 9;

/// How often an operation is stepped through.
const TRACES: usize = 4;

/// How often a child is sent to a point again that it did not come to.
const TRIES: usize = 6;

/// After so many seconds without another kill, something waits for ever.
const PATIENCE: u32 = 10;

/// What is done to an object in a given state, and what must hold after the one who does it was killed.
pub struct Operation<T> {
    /// What is done.
    pub name: &'static str,
    /// In which state.
    pub state: &'static str,
    /// Makes the object, in that state.
    pub arrange: fn() -> T,
    /// What is done, between [`begin`](crate::begin) and [`end`](crate::end).
    pub run: fn(&T),
    /// What a survivor finds.
    pub survive: fn(T, &Kill) -> Result<Found, Fault>,
}

/// Who was killed, and when.
pub struct Kill {
    /// The child that was killed.
    pub pid: u32,
    /// Whether it had done all of the operation.
    pub finished: bool,
}

/// What a survivor was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// That a process had died.
    Death,
    /// That this process had died.
    DeathOf(u32),
}

/// What came of all operations.
#[derive(Default)]
pub struct Tally {
    points: usize,
    faults: Vec<Kind>,
}

/// How a child comes to a point: to an address, for the n-th time, and on by some steps.
#[derive(Clone, Copy)]
struct Route {
    address: usize,
    times: usize,
    steps: usize,
}

impl Tally {
    /// Kills at all points of an operation, and prints what came of it.
    pub fn count<T>(&mut self, operation: &Operation<T>) {
        let Operation { name, state, arrange, run, .. } = operation;
        if self.faults.len() >= ENOUGH_OF_ALL {
            return;
        }
        print!("{name:<28} {state:<28} ");
        // the watchdog ends this process where it stands
        let _ = std::io::stdout().flush();
        watch();
        for _ in 0..2 {
            // what is done once in a process is done now
            run(&arrange());
        }
        let trace = match shortest_trace(operation) {
            Ok(trace) => trace,
            Err(fault) => {
                println!("has no end");
                return self.add(&fault);
            }
        };
        let (mut found, mut faults, mut missed) = (Vec::new(), Vec::new(), 0);
        for (k, (route, address)) in routes(&trace).into_iter().zip(trace.iter().copied()).enumerate() {
            watch();
            // a way that depends on the time is then gone as slowly as it was the first time
            let stepped = Route { address: trace[0], times: 0, steps: k };
            let mut killed = kill(operation, route);
            for _ in 0..TRIES {
                if killed.as_ref().is_ok_and(|(_, there)| *there != address) {
                    killed = kill(operation, stepped);
                }
            }
            match killed {
                Ok((told, there)) => {
                    found.push(told);
                    missed += usize::from(there != address);
                }
                Err(fault) => faults.push((k, place(address), fault)),
            }
            if faults.len() >= ENOUGH {
                break;
            }
        }
        let unnamed = found.iter().filter(|found| **found == Found::Death).count();
        let told = found.len() - found.iter().filter(|found| **found == Found::Nothing).count();
        let points = found.len() + faults.len();
        print!("instructions {:>5}, kill points {points:>5}, ", trace.len() - 1);
        println!("told {told:>3}, without pid {unnamed:>3}, missed {missed}");
        self.points += points - missed;
        for (k, place, fault) in faults {
            print!("after {k} instructions, at {place}: ");
            self.add(&fault);
        }
    }

    /// Takes note of a fault, and prints it.
    pub fn add(&mut self, fault: &Fault) {
        println!("FAULT {:?}: {}", fault.kind, fault.text);
        self.faults.push(fault.kind);
    }

    /// Prints the sums; whether there was no fault.
    pub fn sum_up(&self) -> bool {
        let counts = Kind::ALL.map(|(kind, words)| {
            let count = self.faults.iter().filter(|other| **other == kind).count();
            format!(", {words} {count}")
        });
        println!("kill points {}{}", self.points, counts.concat());
        self.faults.is_empty()
    }
}

/// The shortest of some traces: who reads the clock while it is set, which a slow reader does at times, reads it again.
fn shortest_trace<T>(operation: &Operation<T>) -> Result<Vec<usize>, Fault> {
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
    let mut tracee = Tracee::start(|| (operation.run)(&object));
    let mut trace = vec![crate::begin as *const () as usize];
    loop {
        match tracee.step() {
            Stop::At(address) => trace.push(address),
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
fn routes(trace: &[usize]) -> Vec<Route> {
    let mut seen = HashMap::new();
    let mut best = Route { address: trace[0], times: 0, steps: 0 };
    let mut routes = vec![best];
    for &address in &trace[1..] {
        let times = *seen.entry(address).and_modify(|times| *times += 1).or_insert(1);
        best.steps += 1;
        if times <= best.times + best.steps {
            best = Route { address, times, steps: 0 };
        }
        routes.push(best);
    }
    routes
}

/// Kills a child at a point; what the survivor found, and where the child was.
fn kill<T>(operation: &Operation<T>, route: Route) -> Result<(Found, usize), Fault> {
    let object = (operation.arrange)();
    let mut tracee = Tracee::start(|| (operation.run)(&object));
    let end = end as *const () as usize;
    let mut there = crate::begin as *const () as usize;
    for stop in 0..route.times + route.steps {
        // where time passes differently, the way may be a shorter one
        if there == end {
            break;
        }
        match if stop < route.times { tracee.go_to(route.address) } else { tracee.step() } {
            Stop::At(address) => there = address,
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

/// Ends this process, with a word, if it is not called again in time.
fn watch() {
    extern "C" fn bark(_: libc::c_int) {
        let text = "\nFAULT Hang: nothing has happened for ten seconds\n";
        // SAFETY: the bytes are there.
        unsafe { libc::write(1, text.as_ptr().cast(), text.len()) };
        // SAFETY: takes an integer.
        unsafe { libc::_exit(1) };
    }
    // SAFETY: the function does what a signal handler may.
    unsafe { libc::signal(libc::SIGALRM, bark as extern "C" fn(libc::c_int) as libc::sighandler_t) };
    // SAFETY: takes an integer.
    unsafe { libc::alarm(PATIENCE) };
}
