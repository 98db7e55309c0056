//! Kills processes that use what `carom` shares between them; see the library for how.
//!
//! ```text
//! carom-step-kill [steps]           after each instruction of each operation
//! carom-step-kill random [KILLS]    at random moments, while they do everything at once; 20,000 times
//! carom-step-kill all [KILLS]       both
//! ```
//!
//! Of pools, workers are killed, and those who have them: at random moments, one for each five kills of the others.
//!
//! `--only OBJECT`, or `--only OBJECT/WORDS` for the operations that have these words, any number of times, leaves out others; `--seed NUMBER` makes the same random choices again;
//! `--stop-at-first-fault` ends at the first. It says what it found, and ends with 1 if that is a fault.

mod operations;
mod pools;
mod roles;

use std::io::{Error, ErrorKind};
use std::process::ExitCode;
use std::time::SystemTime;

use carom_step_kill::{Belongings, Random, Tally, adopt, is_possible, make_steady};

/// What is to be done.
struct Plan {
    steps: bool,
    /// How many are killed at random moments.
    kills: Option<usize>,
    seed: u64,
    objects: Vec<String>,
    stops_at_first_fault: bool,
}

#[carom::main]
fn main() -> std::io::Result<ExitCode> {
    let plan = Plan::read(std::env::args().skip(1))?;
    make_steady()?;
    adopt();
    let mut tally = Tally::new(plan.stops_at_first_fault);
    // what is done once in a process is done before
    drop(carom::Lock::new());
    drop(carom::Pool::builder().processes(1).build());
    let before = Belongings::now();
    if plan.steps && is_possible() {
        operations::count(&plan.objects, &mut tally);
    } else if plan.steps {
        println!("kill points are not checked: here, no process can be traced by breakpoints");
    }
    if let Some(kills) = plan.kills {
        let scenes = roles::scenes(&plan.objects);
        if !scenes.is_empty() {
            Random { kills, seed: plan.seed }.run(&scenes, &mut tally);
        }
        let random = Random { kills: kills / 5, seed: plan.seed };
        for (name, kill) in pools::AT_RANDOM {
            if operations::is_wanted(&plan.objects, "Pool", name) && !tally.is_full() {
                kill(&random, &mut tally);
            }
        }
    }
    before.leaks().iter().for_each(|fault| tally.add(fault));
    Ok(if tally.sum_up() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Plan {
    fn read(mut words: impl Iterator<Item = String>) -> std::io::Result<Self> {
        let wrong =
            |word: &str| Error::new(ErrorKind::InvalidInput, format!("what is `{word}`? see the head of main.rs"));
        let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_micros() as u64);
        let mut plan = Self { steps: true, kills: None, seed: now, objects: Vec::new(), stops_at_first_fault: false };
        while let Some(word) = words.next() {
            match word.as_str() {
                "steps" => {}
                "random" => (plan.steps, plan.kills) = (false, Some(20_000)),
                "all" => plan.kills = Some(20_000),
                "--only" => plan.objects.extend(words.next()),
                "--seed" => {
                    let number = words.next().unwrap_or_default();
                    plan.seed = number.parse().map_err(|_| wrong(&number))?;
                }
                "--stop-at-first-fault" => plan.stops_at_first_fault = true,
                number if plan.kills.is_some() => plan.kills = Some(number.parse().map_err(|_| wrong(number))?),
                _ => return Err(wrong(&word)),
            }
        }
        Ok(plan)
    }
}
