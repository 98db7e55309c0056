//! All executions of a model, one after the other.

use std::collections::HashSet;
use std::fmt::{Display, Formatter};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::ptr::NonNull;
use std::rc::Rc;

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult};

use super::world::{Answer, State, Thread, Until, Wish, World, YIELDER, with};

/// So many steps are more than any execution of a model should have.
const TOO_LONG: usize = 2_000;
const STACK: usize = 256 * 1024;

type Run<S> = Rc<dyn Fn(&S)>;

/// A few threads, and what they share.
pub(crate) struct Model<S> {
    name: &'static str,
    begin: Box<dyn Fn() -> S>,
    threads: Vec<Run<S>>,
    deaths: u32,
    /// Who may die, a bit for each name.
    mortals: u64,
}

#[derive(Clone, Copy)]
enum Move {
    Run(usize),
    Kill(usize),
    /// It has slept for long enough.
    Wake(usize),
    /// Nobody goes on by itself; so all who are there sleep for ever.
    End,
}

/// The moves that there are at one point, and the one that is tried.
struct Point {
    moves: Vec<Move>,
    at: usize,
}

type Running = Coroutine<Answer, Wish, (), DefaultStack>;

#[derive(Default)]
struct Explorer {
    path: Vec<Point>,
    visited: HashSet<u64>,
    executions: u64,
    ends: u64,
    stacks: Vec<DefaultStack>,
    trace: Vec<(Move, &'static Location<'static>)>,
}

impl<S: 'static> Model<S> {
    /// Each execution begins with what `begin` makes.
    pub(crate) fn new(name: &'static str, begin: impl Fn() -> S + 'static) -> Self {
        Self { name, begin: Box::new(begin), threads: Vec::new(), deaths: 0, mortals: u64::MAX }
    }

    pub(crate) fn thread(mut self, run: impl Fn(&S) + 'static) -> Self {
        self.threads.push(Rc::new(run));
        self
    }

    /// So many of the threads may die, any of them, anywhere.
    pub(crate) fn deaths(mut self, deaths: u32) -> Self {
        self.deaths = deaths;
        self
    }

    /// Only these die, a bit for each name.
    pub(crate) fn mortals(mut self, mortals: u64) -> Self {
        self.mortals = mortals;
        self
    }

    /// Runs it. At each end, all threads have ended or died.
    pub(crate) fn check(self, end: impl Fn(&S)) {
        self.check_with(|shared, asleep| {
            assert_eq!(asleep, 0, "threads that sleep for ever: {asleep:#b}");
            end(shared);
        });
    }

    /// Runs it. At each end, those of the threads that are told to `end`, a bit for each name, sleep for ever.
    pub(crate) fn check_with(self, end: impl Fn(&S, u64)) {
        let mut explorer = Explorer::default();
        loop {
            let result = catch_unwind(AssertUnwindSafe(|| explorer.execute(&self, &end)));
            YIELDER.set(None);
            if let Err(panic) = result {
                eprintln!("{}: after {} executions, this one is wrong:", self.name, explorer.executions);
                explorer.trace.iter().for_each(|(made, place)| eprintln!("  {made} at {place}"));
                resume_unwind(panic);
            }
            if !explorer.advance() {
                break;
            }
        }
        let Explorer { visited, executions, ends, .. } = explorer;
        assert!(ends > 0);
        println!("{:<44} {:>8} states {executions:>8} executions {ends:>6} ends", self.name, visited.len());
    }
}

impl Explorer {
    fn execute<S: 'static>(&mut self, model: &Model<S>, end: &impl Fn(&S, u64)) {
        self.executions += 1;
        self.trace.clear();
        with(|world| *world = World { may_die: model.deaths, mortals: model.mortals, ..World::default() });
        let shared = Rc::new((model.begin)());
        let mut threads: Vec<_> = model.threads.iter().map(|run| self.thread(run.clone(), shared.clone())).collect();
        let mut yielders = vec![None; threads.len()];
        for i in 0..threads.len() {
            with(|world| world.threads.push(Thread { state: State::Ended, told: 0, part: 0, looks: 0 }));
            resume(i, &mut threads[i], &mut yielders[i], Answer::GoOn);
        }
        let at_end = self.run(&mut threads, &mut yielders);
        for mut thread in threads {
            thread.force_unwind();
            self.stacks.push(thread.into_stack());
        }
        if at_end {
            self.ends += 1;
            let asleep = with(|world| world.asleep());
            end(&shared, asleep);
        }
    }

    fn thread<S: 'static>(&mut self, run: Run<S>, shared: Rc<S>) -> Running {
        let new = || DefaultStack::new(STACK).expect("memory for a stack");
        Coroutine::with_stack(self.stacks.pop().unwrap_or_else(new), move |yielder, _| {
            YIELDER.set(Some(NonNull::from(yielder)));
            run(&shared);
        })
    }

    /// Goes the path, and on from there; whether to an end, and not to where another execution has been.
    fn run(&mut self, threads: &mut [Running], yielders: &mut [Yielders]) -> bool {
        for depth in 0.. {
            if depth == self.path.len() {
                if !self.visited.insert(with(|world| world.fingerprint())) {
                    return false;
                }
                let moves = with(|world| world.moves());
                assert!(depth < TOO_LONG, "does not come to an end");
                self.path.push(Point { moves, at: 0 });
            }
            let Point { moves, at } = &self.path[depth];
            let made = moves[*at];
            if let Move::Run(thread) | Move::Kill(thread) | Move::Wake(thread) = made {
                self.trace.extend(with(|world| world.threads[thread].place()).map(|place| (made, place)));
            }
            match made {
                Move::Run(i) => resume(i, &mut threads[i], &mut yielders[i], Answer::GoOn),
                Move::Wake(i) => {
                    with(|world| world.looked(i));
                    resume(i, &mut threads[i], &mut yielders[i], Answer::TimeIsOver);
                }
                Move::Kill(i) => with(|world| world.kill(i)),
                Move::End => return true,
            }
        }
        unreachable!("the loop does not end")
    }

    /// The path with the next of the moves that have not been tried; false if there is none.
    fn advance(&mut self) -> bool {
        while let Some(point) = self.path.last_mut() {
            point.at += 1;
            if point.at < point.moves.len() {
                return true;
            }
            self.path.pop();
        }
        false
    }
}

type Yielders = Option<NonNull<corosensei::Yielder<Answer, Wish>>>;

/// Lets a thread make its step, and run until the next one.
fn resume(i: usize, thread: &mut Running, yielder: &mut Yielders, answer: Answer) {
    with(|world| {
        world.running = Some(i);
        // it is not where it was, even if this step tells it nothing
        world.saw(0);
    });
    YIELDER.set(*yielder);
    let result = thread.resume(answer);
    *yielder = YIELDER.replace(None);
    with(|world| {
        world.running = None;
        world.threads[i].state = match result {
            CoroutineResult::Yield(wish) => State::Wants(wish),
            CoroutineResult::Return(()) => State::Ended,
        };
    });
}

impl World {
    fn moves(&self) -> Vec<Move> {
        let (mut moves, mut deaths) = (Vec::new(), Vec::new());
        for (i, thread) in self.threads.iter().enumerate() {
            match thread.state {
                State::Ended | State::Dead => continue,
                State::Woken(_) | State::Wants(Wish::Step(_)) => moves.push(Move::Run(i)),
                State::Wants(Wish::Take(lock, _)) if self.locks[lock].by.is_none() => moves.push(Move::Run(i)),
                State::Wants(Wish::Sleep(..)) if thread.looks < self.deaths => moves.push(Move::Wake(i)),
                State::Wants(Wish::Until(until, _)) if self.is_over(until) => moves.push(Move::Run(i)),
                State::Wants(Wish::Until(until, _)) if until.or.time => moves.push(Move::Wake(i)),
                State::Wants(_) => {}
            }
            if self.deaths < self.may_die && self.mortals & 2 << i != 0 {
                deaths.push(Move::Kill(i));
            }
        }
        if moves.is_empty() {
            moves.push(Move::End);
        }
        moves.append(&mut deaths);
        moves
    }

    /// A thread has slept for long enough; where it could at any time, that it did is no matter.
    fn looked(&mut self, i: usize) {
        let thread = &mut self.threads[i];
        thread.looks += u32::from(!matches!(thread.state, State::Wants(Wish::Until(..))));
    }

    /// Whether somebody does not sleep any more.
    fn is_over(&self, until: Until) -> bool {
        let gone = |i: usize| matches!(self.threads[i].state, State::Ended | State::Dead);
        self.notes[until.note] >= until.least || (0..self.threads.len()).any(|i| until.or.gone & 2 << i != 0 && gone(i))
    }

    fn asleep(&self) -> u64 {
        let asleep = self.threads.iter().enumerate().filter(|(_, thread)| matches!(thread.state, State::Wants(_)));
        asleep.map(|(i, _)| 1 << (i + 1)).sum()
    }
}

impl Thread {
    fn place(&self) -> Option<&'static Location<'static>> {
        match self.state {
            State::Wants(Wish::Step(place) | Wish::Sleep(_, place) | Wish::Take(_, place) | Wish::Until(_, place))
            | State::Woken(place) => Some(place),
            State::Ended | State::Dead => None,
        }
    }
}

impl Display for Move {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Run(i) => write!(f, "{} runs", i + 1),
            Self::Kill(i) => write!(f, "{} dies", i + 1),
            Self::Wake(i) => write!(f, "{} has slept for long enough", i + 1),
            Self::End => f.write_str("nobody goes on"),
        }
    }
}
