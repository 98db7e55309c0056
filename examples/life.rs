//! Conway's game of life: several processes, each of which has a band of rows, and which meet after each generation.
//!
//! The world is a torus: what leaves it on one side comes in on the other. A pattern is a text as most collections have
//! them (`.cells`): `O` lives, `.` does not, and a line that begins with `!` is a comment.
//!
//! ```text
//! cargo run --release --example life -- [GENERATIONS [PROCESSES [PATTERN-FILE [WIDTH HEIGHT]]]]
//! ```
use std::error::Error;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use carom::{Barrier, OutOfBounds, Process, RawArray, RawValue, RemoteError};
use serde::{Deserialize, Serialize};

const GLIDER_GUN: &str = "\
!Name: Gosper glider gun
........................O
......................O.O
............OO......OO............OO
...........O...O....OO............OO
OO........O.....O...OO
OO........O...O.OO....O.O
..........O.....O.......O
...........O...O
............OO
";

#[derive(Clone, Serialize, Deserialize)]
struct World {
    width: usize,
    height: usize,
    /// The cells of an even and of an odd generation, row after row. They have no lock: between two meetings nobody writes what
    /// another one reads or writes, and with the one lock of an `Array` the processes would work one after the other.
    cells: [RawArray<u8>; 2],
    /// So many generations are whole.
    generations: RawValue<AtomicU64>,
    meeting: Barrier,
}

impl World {
    /// One with the pattern in its middle, on which so many processes work.
    fn new(pattern: &[Vec<u8>], width: usize, height: usize, processes: usize) -> carom::Result<Self> {
        let cells = [RawArray::zeroed(width * height)?, RawArray::zeroed(width * height)?];
        let top = (height - pattern.len()) / 2;
        let left = (width - width_of(pattern)) / 2;
        for (row, y) in pattern.iter().zip(top..) {
            cells[0].write(y * width + left, row)?;
        }
        let generations = RawValue::new(AtomicU64::new(0))?;
        Ok(Self { width, height, cells, generations, meeting: Barrier::new(processes as u32)? })
    }

    fn cells_of(&self, generation: u64) -> &RawArray<u8> {
        &self.cells[(generation % 2) as usize]
    }

    /// Some rows, with the one above and the one below them.
    fn rows_around(&self, generation: u64, rows: &Range<usize>) -> Result<Vec<u8>, OutOfBounds> {
        let mut cells = vec![0; (rows.len() + 2) * self.width];
        for (row, y) in cells.chunks_mut(self.width).zip(rows.start + self.height - 1..) {
            self.cells_of(generation).read(y % self.height * self.width, row)?;
        }
        Ok(cells)
    }
}

/// What becomes of rows, of which the first and the last one are only looked at.
fn step(rows: &[u8], width: usize) -> Vec<u8> {
    let mut next = Vec::with_capacity(rows.len() - 2 * width);
    for three in rows.windows(3 * width).step_by(width) {
        let column = |x: usize| three[x] + three[x + width] + three[x + 2 * width];
        let (mut before, mut here) = (column(width - 1), column(0));
        for x in 0..width {
            let after = column(if x + 1 < width { x + 1 } else { 0 });
            // of nine cells, with this one
            let living = before + here + after;
            next.push(u8::from(living == 3 || (living == 4 && three[x + width] == 1)));
            (before, here) = (here, after);
        }
    }
    next
}

/// Brings a band of the world through so many generations.
#[carom::task]
fn evolve(world: World, band: Range<usize>, generations: u64) -> Result<(), RemoteError> {
    for generation in 0..generations {
        let next = step(&world.rows_around(generation, &band)?, world.width);
        world.cells_of(generation + 1).write(band.start * world.width, &next)?;
        // the last one who comes does this, before any goes on
        let whole = || world.generations.store(generation + 1, Relaxed);
        if let Err(broken) = world.meeting.wait_with(whole) {
            // another process has failed, and the main one says which
            let line = format!("{}: {broken}\n", carom::current_process().name());
            // in one piece, because others write theirs
            eprint!("{line}");
            break;
        }
    }
    Ok(())
}

fn parse(text: &str) -> Result<Vec<Vec<u8>>, String> {
    let rows = text.lines().enumerate().filter(|(_, line)| !line.starts_with('!'));
    let cell = |number: usize, sign: char| match sign {
        '.' => Ok(0),
        'O' | '*' => Ok(1),
        other => Err(format!("line {}: `{other}` is neither `.` nor `O`", number + 1)),
    };
    rows.map(|(number, line)| line.trim_end().chars().map(|sign| cell(number, sign)).collect()).collect()
}

fn width_of(pattern: &[Vec<u8>]) -> usize {
    pattern.iter().map(Vec::len).max().unwrap_or(0)
}

#[carom::main]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("life: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let number = |index: usize, default| arguments.get(index).map_or(Ok(default), |number| number.parse::<usize>());
    let (generations, processes) = (number(0, 100)? as u64, number(1, 4)?);
    let pattern = match arguments.get(2) {
        Some(path) => std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?,
        None => GLIDER_GUN.to_owned(),
    };
    let pattern = parse(&pattern)?;
    let (width, height) = (number(3, 72)?.max(width_of(&pattern)).max(1), number(4, 36)?.max(pattern.len()).max(1));
    let processes = processes.clamp(1, height);

    let world = World::new(&pattern, width, height, processes)?;
    let bands = (0..processes).map(|i| i * height / processes..(i + 1) * height / processes);
    let start = |(i, band)| {
        // daemonic: if this one fails, nobody waits for those who wait for each other
        let builder = Process::builder().name(format!("band {i}")).daemon(true);
        builder.spawn(evolve, (world.clone(), band, generations))
    };
    let bands = (1..).zip(bands).map(start).collect::<Result<Vec<_>, _>>()?;
    // one who dies while it waits breaks the meeting for the others; of one who dies at work, they have to be told
    let join = |band: &Process| {
        let end: carom::Result<()> = band.join().map_err(Into::into).and_then(|status| Ok(status.exit_ok()?));
        if end.is_err() {
            world.meeting.abort();
        }
        end
    };
    let ends = std::thread::scope(|scope| {
        let threads: Vec<_> = bands.iter().map(|band| scope.spawn(move || join(band))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect::<Vec<_>>()
    });

    let whole = world.generations.load(Relaxed);
    for (band, end) in bands.iter().zip(ends) {
        if let Err(failed) = end {
            let (name, pid) = (band.name(), band.pid());
            return Err(format!("{name} (pid {pid}), after generation {whole}: {failed}").into());
        }
    }
    let cells = world.cells_of(whole).to_vec();
    for row in cells.chunks(width) {
        println!("{}", row.iter().map(|cell| if *cell == 1 { 'O' } else { '.' }).collect::<String>());
    }
    println!("generation {whole}: {} living cells", cells.iter().filter(|cell| **cell == 1).count());
    Ok(())
}
