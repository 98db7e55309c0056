//! What came of all kills.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::fault::{Fault, Kind};
use crate::leaks::Belongings;
use crate::operation::{Found, Operation, Run};
use crate::points::{ASLEEP, kill_at, routes, shortest_trace};
use crate::tracee::place;
use crate::watchdog;
use crate::workers::{Report, Workers};

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
        let trace = match warm_up(operation).and_then(|()| shortest_trace(operation)) {
            Ok(trace) => trace,
            Err(fault) => {
                println!("cannot be traced");
                return self.add(&fault);
            }
        };
        let enough = if self.stops_at_first_fault { 1 } else { ENOUGH };
        let last = trace.addresses.len() - 1;
        let is_sleeper = matches!(operation.run, Run::Sleeper { .. });
        let is_used = |k: &usize| {
            k.min(&(last - k)) <= &operation.ends
                || k.is_multiple_of(if is_sleeper { 2 * SPARSE } else { SPARSE })
                || is_sleeper && trace.is_visible_near(*k, NEAR)
        };
        let used: Vec<usize> = (0..=last).filter(is_used).collect();
        let work = |numbers: &mut dyn Iterator<Item = usize>, report| {
            work(operation, &trace.addresses, enough, numbers, report);
        };
        let mut workers = Workers::start(&used, work);
        watchdog::rest();
        let (mut found, mut missed, mut faults) = ([0; 3], 0, Vec::new());
        while let Some(line) = workers.next() {
            match Line::of(&line) {
                Line::Found(word, was_missed) => {
                    found[word] += 1;
                    missed += usize::from(was_missed);
                }
                Line::Fault(k, fault) => faults.push((k, fault)),
            }
            if faults.len() >= enough {
                break;
            }
        }
        if faults.is_empty() && !workers.are_well() {
            faults.push((0, Kind::Hang.fault("one who looks after the others does not go on")));
        }
        let [nothing, unnamed, named] = found;
        let points = nothing + unnamed + named + faults.len();
        print!("instructions {last:>5}, kill points {points:>5}, ");
        println!("told {:>3}, without pid {unnamed:>3}, missed {missed}", unnamed + named);
        *self.points.get_or_insert_default() += points - missed;
        for (k, fault) in faults {
            let at = trace.addresses[k];
            let place = if at == ASLEEP { "asleep".to_owned() } else { format!("at {}", place(at)) };
            print!("after {k} instructions, {place}: ");
            self.add(&fault);
        }
    }

    /// Adds what came of random kills.
    pub fn count_random(&mut self, kills: usize) {
        *self.random.get_or_insert_default() += kills;
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

/// Does now what is done once in a process.
fn warm_up<T>(operation: &Operation<T>) -> Result<(), Fault> {
    let Run::Copy(run) = operation.run else { return Ok(()) };
    if operation.sleeps {
        return Ok(());
    }
    let run = || (0..2).for_each(|_| run(&(operation.arrange)()));
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| Kind::Untrue.fault("it panics, though nobody is killed"))
}

/// Where not all points are used, one of so many is.
const SPARSE: usize = 32;

/// Of a sleeper one of twice so many, but also so many before and after each instruction that others see at once.
const NEAR: usize = 2;

/// Kills at some of the points, and reports what came of it.
fn work<T>(
    operation: &Operation<T>,
    trace: &[usize],
    enough: usize,
    numbers: &mut dyn Iterator<Item = usize>,
    mut report: Report,
) {
    // which opens memory of this process
    drop((operation.arrange)());
    let before = Belongings::now();
    let routes = routes(trace);
    let mut faults = 0;
    for k in numbers {
        watchdog::watch();
        match kill_at(operation, k, routes[k], trace[k]) {
            Ok((found, there)) => report.say(&Line::Found(found.into(), there != trace[k]).text()),
            Err(fault) => {
                report.say(&Line::Fault(k, fault).text());
                faults += 1;
            }
        }
        if faults >= enough {
            return;
        }
    }
    before.leaks().into_iter().for_each(|fault| report.say(&Line::Fault(0, fault).text()));
}

/// What a worker reports.
enum Line {
    /// What a survivor was told, as the number of a [`Found`], and whether the one killed was elsewhere.
    Found(usize, bool),
    /// After how many instructions, and what.
    Fault(usize, Fault),
}

impl Line {
    fn text(&self) -> String {
        match self {
            Self::Found(found, missed) => format!("found {found} {missed}"),
            Self::Fault(k, fault) => format!("fault {k} {} {}", fault.kind.number(), fault.text),
        }
    }

    /// # Panics
    /// If it is none.
    fn of(text: &str) -> Self {
        let words: Vec<&str> = text.splitn(4, ' ').collect();
        let number = |word: &str| word.parse().expect("a number");
        match words[..] {
            ["found", found, missed] => Self::Found(number(found), missed == "true"),
            ["fault", k, kind, text] => Self::Fault(number(k), Kind::ALL[number(kind)].0.fault(text)),
            _ => panic!("what a worker says: {text}"),
        }
    }
}

impl From<Found> for usize {
    fn from(found: Found) -> Self {
        match found {
            Found::Nothing => 0,
            Found::Death => 1,
            Found::DeathOf(_) => 2,
        }
    }
}
