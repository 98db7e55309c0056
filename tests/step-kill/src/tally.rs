//! What came of all kills.

use std::io::Write;

use crate::fault::{Fault, Kind};
use crate::operation::{Found, Operation};
use crate::points::{ASLEEP, kill_at, routes, shortest_trace};
use crate::random::Random;
use crate::tracee::place;
use crate::watchdog;

/// So many faults of one operation are enough, and so many of all.
const ENOUGH: usize = 3;
const ENOUGH_OF_ALL: usize = 9;

/// What came of all kills.
pub struct Tally {
    stops_at_first_fault: bool,
    points: Option<usize>,
    random: Option<usize>,
    faults: Vec<Kind>,
}

impl Tally {
    /// None yet, and none after the first fault if that is enough.
    pub fn new(stops_at_first_fault: bool) -> Self {
        Self { stops_at_first_fault, points: None, random: None, faults: Vec::new() }
    }

    /// Whether there are so many faults that more of them tell nothing new.
    pub fn is_full(&self) -> bool {
        self.faults.len() >= if self.stops_at_first_fault { 1 } else { ENOUGH_OF_ALL }
    }

    /// Kills at all points of an operation, and prints what came of it.
    pub fn count<T>(&mut self, operation: &Operation<T>) {
        if self.is_full() {
            return;
        }
        let Operation { object, name, state, .. } = operation;
        print!("{object:<6} {name:<28} {state:<34} ");
        // the watchdog ends this process where it stands
        let _ = std::io::stdout().flush();
        watchdog::watch();
        if !operation.sleeps {
            for _ in 0..2 {
                // what is done once in a process is done now
                (operation.run)(&(operation.arrange)());
            }
        }
        let trace = match shortest_trace(operation) {
            Ok(trace) => trace,
            Err(fault) => {
                println!("has no end");
                return self.add(&fault);
            }
        };
        let enough = if self.stops_at_first_fault { 1 } else { ENOUGH };
        let (mut found, mut faults, mut missed) = (Vec::new(), Vec::new(), 0);
        for (k, (route, address)) in routes(&trace).into_iter().zip(trace.iter().copied()).enumerate() {
            watchdog::watch();
            match kill_at(operation, k, route, address) {
                Ok((told, there)) => {
                    found.push(told);
                    missed += usize::from(there != address);
                }
                Err(fault) => faults.push((k, address, fault)),
            }
            if faults.len() >= enough {
                break;
            }
        }
        watchdog::rest();
        let unnamed = found.iter().filter(|found| **found == Found::Death).count();
        let told = found.len() - found.iter().filter(|found| **found == Found::Nothing).count();
        let points = found.len() + faults.len();
        print!("instructions {:>5}, kill points {points:>5}, ", trace.len() - 1);
        println!("told {told:>3}, without pid {unnamed:>3}, missed {missed}");
        *self.points.get_or_insert_default() += points - missed;
        for (k, address, fault) in faults {
            let place = if address == ASLEEP { "asleep".to_owned() } else { format!("at {}", place(address)) };
            print!("after {k} instructions, {place}: ");
            self.add(&fault);
        }
    }

    /// Adds what came of random kills.
    pub(crate) fn count_random(&mut self, random: &Random) {
        *self.random.get_or_insert_default() += random.kills;
    }

    /// Takes note of a fault, and prints it.
    pub fn add(&mut self, fault: &Fault) {
        println!("FAULT {:?}: {}", fault.kind, fault.text);
        self.faults.push(fault.kind);
    }

    /// Prints the sums; whether there was no fault. What was not done is "not checked".
    pub fn sum_up(&self) -> bool {
        let number = |count: Option<usize>| count.map_or("not checked".to_owned(), |count| count.to_string());
        print!("kill points {}, random kills {}", number(self.points), number(self.random));
        for (kind, words) in Kind::ALL {
            let count = self.faults.iter().filter(|other| **other == kind).count();
            // what has no place in the line is named where there is any
            if count != 0 || kind != Kind::Untrue {
                print!(", {words} {count}");
            }
        }
        println!();
        self.faults.is_empty()
    }
}
