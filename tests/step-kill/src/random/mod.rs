//! Kills processes at random moments, and looks whether the others go on.
//!
//! A supervisor starts all players of all scenes, and again whenever it has killed one. It kills in bursts: one process, two at
//! once, or one and then another that is just repairing what the first has left. After each burst there is a truce, in which every
//! player that is alive must come to the end of a round in time. Without it, one that waits for ever would soon be killed, and
//! nobody would know.
//!
//! What kills at random finds depends on the moments, which a seed does not decide alone; the seed makes the same choices again.

mod board;
mod role;
mod seed;

pub use role::{Part, Role, Round, Scene};
pub use seed::Seed;

use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use self::board::{Board, Slot};
use crate::bystander::PATIENCE;
use crate::fault::{Fault, Kind};
use crate::process::{fork, is_asleep, kill, look, wait};
use crate::stopwatch::Stopwatch;
use crate::tally::Tally;

/// The time between kills, in microseconds, and how many there are at most between truces.
const MOMENT: u64 = 600;
const BURST: u64 = 96;

/// How long it is looked for one who repairs, after a kill.
const RECOVERY: Duration = Duration::from_millis(1);

/// A player that is not asleep may only have found no processor; after so long it runs in circles.
const STARVED: Duration = Duration::from_secs(10);

/// How many processes are to be killed, and by which random numbers.
pub struct Random {
    /// How many.
    pub kills: usize,
    /// What the choices come from.
    pub seed: u64,
}

/// A process that plays a role.
struct Player<'a> {
    scene: &'a Scene,
    role: &'a Role,
    number: usize,
    pid: u32,
    slot: &'static Slot,
    kills: usize,
    /// How many rounds there were at the beginning of a truce.
    rounds: u64,
}

/// All players, and who kills them.
struct Stage<'a> {
    players: Vec<Player<'a>>,
    seed: Seed,
    kills: usize,
    pairs: usize,
    recoverers: usize,
    truces: usize,
    longest_truce: Duration,
}

impl Random {
    /// Kills at random, and adds to the tally what came of it.
    pub fn run(&self, scenes: &[Scene], tally: &mut Tally) {
        println!("random kills {}, seed {}", self.kills, self.seed);
        let start = Instant::now();
        precise_sleep();
        let mut stage = Stage::new(scenes, self.seed);
        while stage.kills < self.kills && !tally.is_full() {
            for _ in 0..=stage.seed.below(BURST) {
                if stage.kills < self.kills {
                    stage.strike(self.kills - stage.kills > 1);
                }
            }
            let mut faults = stage.truce();
            faults.extend(stage.left());
            for fault in faults {
                print!("after {} random kills with seed {}: ", stage.kills, self.seed);
                tally.add(&fault);
            }
        }
        stage.print(start.elapsed());
        tally.count_random(stage.kills);
        drop(stage);
        for scene in scenes {
            if let Err(fault) = (scene.check)() {
                print!("{} at the end, with seed {}: ", scene.name, self.seed);
                tally.add(&fault);
            }
        }
    }
}

impl<'a> Stage<'a> {
    fn new(scenes: &'a [Scene], seed: u64) -> Self {
        let parts = scenes.iter().flat_map(|scene| {
            let roles = scene.roles.iter();
            roles.flat_map(move |role| (0..role.players).map(move |number| (scene, role, number)))
        });
        let slots = Board::new(parts.clone().count()).slots();
        let players = parts.zip(slots).map(|((scene, role, number), slot)| Player {
            scene,
            role,
            number,
            pid: 0,
            slot,
            kills: 0,
            rounds: 0,
        });
        let mut stage = Self {
            players: players.collect(),
            seed: Seed(seed),
            kills: 0,
            pairs: 0,
            recoverers: 0,
            truces: 0,
            longest_truce: Duration::ZERO,
        };
        let Self { players, seed, .. } = &mut stage;
        players.iter_mut().for_each(|player| player.start(seed));
        stage
    }

    /// Kills a process, or maybe two, and starts others in their place.
    fn strike(&mut self, maybe_two: bool) {
        std::thread::sleep(Duration::from_micros(self.seed.below(MOMENT)));
        let first = self.any();
        let mut victims = vec![first];
        kill(self.players[first].pid);
        match self.seed.below(8) {
            _ if !maybe_two => {}
            0 | 1 => {
                let second = self.any();
                if second != first {
                    kill(self.players[second].pid);
                    victims.push(second);
                    self.pairs += 1;
                }
            }
            2..=4 => {
                if let Some(second) = self.recoverer(first) {
                    kill(self.players[second].pid);
                    victims.push(second);
                    self.recoverers += 1;
                }
            }
            _ => {}
        }
        for victim in victims {
            let player = &mut self.players[victim];
            // one that ended by itself has left word why
            let status = wait(player.pid);
            if !libc::WIFSIGNALED(status) {
                player.slot.leave(&Kind::Untrue.fault(format!("it ended by itself, with {status:#x}")));
            }
            player.kills += 1;
            player.start(&mut self.seed);
            self.kills += 1;
        }
    }

    fn any(&mut self) -> usize {
        self.seed.below(self.players.len() as u64) as usize
    }

    /// Another player of the same scene, which does at this instant what is done after a death.
    fn recoverer(&self, killed: usize) -> Option<usize> {
        let scene: *const Scene = self.players[killed].scene;
        let end = Instant::now() + RECOVERY;
        while Instant::now() < end {
            let is_one = |(k, player): &(usize, &Player)| {
                *k != killed && std::ptr::eq(player.scene, scene) && player.slot.recovers.load(SeqCst) != 0
            };
            if let Some((k, _)) = self.players.iter().enumerate().find(is_one) {
                return Some(k);
            }
        }
        None
    }

    /// Waits until each player has come to the end of a round.
    fn truce(&mut self) -> Vec<Fault> {
        let mut time = Stopwatch::start();
        self.players.iter_mut().for_each(|player| player.rounds = player.slot.rounds.load(SeqCst));
        let mut faults = Vec::new();
        let lasted = loop {
            let elapsed = time.elapsed();
            let late = |player: &&mut Player| player.slot.rounds.load(SeqCst) == player.rounds;
            let mut late: Vec<_> = self.players.iter_mut().filter(late).collect();
            for player in &mut late {
                if let Some(status) = look(player.pid) {
                    let text = format!("it ended by itself, with {status:#x}");
                    faults.push(player.says(Kind::Untrue.fault(text)));
                    player.start(&mut self.seed);
                }
            }
            let hangs = elapsed > PATIENCE && late.iter().any(|player| is_asleep(player.pid));
            if late.is_empty() || !faults.is_empty() {
                break elapsed;
            }
            if hangs || elapsed > STARVED {
                for player in late {
                    faults
                        .push(player.says(Kind::Hang.fault(format!("it does not go on: {}", whereabouts(player.pid)))));
                    kill(player.pid);
                    wait(player.pid);
                    player.start(&mut self.seed);
                }
                break elapsed;
            }
            std::thread::sleep(Duration::from_micros(200));
        };
        self.truces += 1;
        self.longest_truce = self.longest_truce.max(lasted);
        faults
    }

    /// What players have left word of.
    fn left(&self) -> Vec<Fault> {
        let left = |player: &Player| player.slot.take().map(|fault| player.says(fault));
        self.players.iter().filter_map(left).collect()
    }

    fn print(&self, time: Duration) {
        for player in self.players.iter().filter(|player| player.number == 0) {
            let of_role = || self.players.iter().filter(|other| std::ptr::eq(other.role, player.role));
            let kills: usize = of_role().map(|player| player.kills).sum();
            let rounds: u64 = of_role().map(|player| player.slot.rounds.load(SeqCst)).sum();
            let told: u32 = of_role().map(|player| player.slot.told.load(SeqCst)).sum();
            let name = format!("{}: {}", player.scene.name, player.role.name);
            let count = player.role.players;
            println!("{name:<36} processes {count}, killed {kills:>5}, rounds {rounds:>9}, told {told:>5}");
        }
        print!("of {} kills, two at once {}, of one who repairs {}; ", self.kills, self.pairs, self.recoverers);
        print!("truces {}, the longest {} ms; ", self.truces, self.longest_truce.as_millis());
        println!("{:.1} s", time.as_secs_f64());
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        self.players.iter().for_each(|player| kill(player.pid));
        self.players.iter().for_each(|player| _ = wait(player.pid));
    }
}

impl Player<'_> {
    fn start(&mut self, seed: &mut Seed) {
        self.slot.recovers.store(0, SeqCst);
        let part = Part { seed: Seed(seed.number()), number: self.number, slot: self.slot };
        self.pid = fork(|| part.play(self.role));
    }

    fn says(&self, fault: Fault) -> Fault {
        let text = format!("{}: {} {}: {}", self.scene.name, self.role.name, self.number, fault.text);
        fault.kind.fault(text)
    }
}

/// Where a process is, as far as the kernel tells.
fn whereabouts(pid: u32) -> String {
    let read = |name| std::fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let stat = read("stat");
    let state = stat.rsplit_once(") ").map_or("?", |(_, rest)| &rest[..1]);
    format!("state {state}, in {}, system call {}", read("wchan"), read("syscall").trim_end())
}

/// Has this process sleep as long as it asks for, and not 50 us longer.
fn precise_sleep() {
    // SAFETY: takes integers.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1_usize) };
}
