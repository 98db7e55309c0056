//! The same for Miri: plain threads, in some interleavings, with real atomics.
//!
//! A thread dies by a panic of its own before one of its steps, and each model runs once for each of the first steps of each thread.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use crate::atomic::AtomicU32;
use crate::raw::Who;

/// Before each of so many steps one dies.
const STEPS: u32 = 12;

/// What death unwinds with.
struct Death;
/// What one unwinds with who sleeps for ever.
struct Asleep;

#[derive(Default)]
struct World {
    locks: Vec<Held>,
    /// Those who sleep, and on which word.
    sleepers: Vec<(Who, usize)>,
    /// Threads, a bit for each: all, those who have ended, who have died, and who wait and have nothing to go on for.
    all: u64,
    ended: u64,
    dead: u64,
    waiting: u64,
    deaths: u32,
}

#[derive(Clone, Copy, Default)]
struct Held {
    by: Option<Who>,
    died: bool,
}

type Shared = Arc<(Mutex<World>, Condvar)>;

thread_local! {
    static WORLD: RefCell<Shared> = RefCell::default();
    static ME: Cell<Who> = const { Cell::new(0) };
    static STEPS_LEFT: Cell<Option<u32>> = const { Cell::new(None) };
    static LOOKS: Cell<u32> = const { Cell::new(0) };
}

fn with<R>(use_it: impl FnOnce(&mut World) -> R) -> R {
    let shared = WORLD.with_borrow(Arc::clone);
    let mut world = shared.0.lock().expect("no panic");
    let result = use_it(&mut world);
    // those who wait have to look again
    world.waiting = 0;
    shared.1.notify_all();
    result
}

/// Waits until there is a result; unwinds if all who are left wait.
fn wait_for<R>(mut result: impl FnMut(&mut World) -> Option<R>) -> R {
    let shared = WORLD.with_borrow(Arc::clone);
    let mut world = shared.0.lock().expect("no panic");
    loop {
        if let Some(result) = result(&mut world) {
            world.waiting = 0;
            shared.1.notify_all();
            break result;
        }
        world.waiting |= 1 << me();
        if world.waiting == world.all & !world.ended & !world.dead {
            shared.1.notify_all();
            drop(world);
            resume_unwind(Box::new(Asleep));
        }
        world = shared.1.wait(world).expect("no panic");
    }
}

pub(crate) fn step(_: &'static Location<'static>) {
    match STEPS_LEFT.get() {
        Some(0) => resume_unwind(Box::new(Death)),
        left => STEPS_LEFT.set(left.map(|left| left - 1)),
    }
}

pub(crate) fn at_once<R>(steps: impl FnOnce() -> R) -> R {
    steps()
}

pub(crate) fn saw(_: u64) {}

pub(crate) fn wrote(_: usize, _: u64, _: u64) {}

pub(crate) fn watch(_: usize, _: usize) {}

pub(crate) fn knows_only(_: impl std::hash::Hash) {}

pub(crate) fn next_part() {}

pub(crate) fn me() -> Who {
    ME.get()
}

pub(crate) fn has_ended(who: Who) -> bool {
    with(|world| (world.ended | world.dead) & 1 << who != 0)
}

pub(crate) fn time_passes() -> bool {
    with(|world| world.deaths > 0)
}

pub(crate) fn dead() -> u64 {
    with(|world| world.dead)
}

pub(crate) mod futex {
    use super::*;

    pub(crate) fn wait(word: &AtomicU32, expected: u32) -> bool {
        step(Location::caller());
        let (me, address) = (me(), word.address());
        let sleeps = with(|world| {
            let sleeps = word.peek() == expected;
            if sleeps {
                world.sleepers.push((me, address));
            }
            sleeps
        });
        !sleeps
            || wait_for(|world| {
                if !world.sleepers.contains(&(me, address)) {
                    return Some(true);
                }
                let looks = LOOKS.get();
                (looks < world.deaths).then(|| {
                    LOOKS.set(looks + 1);
                    world.sleepers.retain(|sleeper| *sleeper != (me, address));
                    false
                })
            })
    }

    pub(crate) fn wake_all(word: &AtomicU32) {
        step(Location::caller());
        with(|world| world.sleepers.retain(|(_, at)| *at != word.address()));
    }

    pub(crate) fn wake_one(word: &AtomicU32) {
        wake_all(word);
    }
}

pub(crate) struct Lock(usize);

impl Lock {
    pub(crate) fn new() -> Self {
        with(|world| {
            world.locks.push(Held::default());
            Self(world.locks.len() - 1)
        })
    }

    pub(crate) fn take(&self) -> bool {
        step(Location::caller());
        wait_for(|world| {
            let Held { by, died } = world.locks[self.0];
            by.is_none().then(|| {
                world.locks[self.0] = Held { by: Some(me()), died: false };
                died
            })
        })
    }

    pub(crate) fn try_take(&self) -> bool {
        step(Location::caller());
        with(|world| {
            let free = world.locks[self.0].by.is_none();
            if free {
                world.locks[self.0] = Held { by: Some(me()), died: false };
            }
            free
        })
    }

    pub(crate) fn was_left(&self) -> bool {
        with(|world| world.locks[self.0].died)
    }

    pub(crate) fn give_at_once(&self) {
        with(|world| world.locks[self.0].by = None);
    }

    pub(crate) fn give(&self) {
        step(Location::caller());
        with(|world| world.locks[self.0].by = None);
    }
}

pub(crate) struct Note(AtomicU64);

impl Note {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(SeqCst)
    }

    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, SeqCst);
    }

    pub(crate) fn add(&self, value: u64) -> u64 {
        self.0.fetch_add(value, SeqCst) + value
    }

    pub(crate) fn subtract(&self, value: u64) {
        self.0.fetch_sub(value, SeqCst);
    }

    pub(crate) fn insert(&self, bit: u64) -> u64 {
        self.0.fetch_or(1 << bit, SeqCst)
    }

    pub(crate) fn remove(&self, bit: u64) {
        self.0.fetch_and(!(1 << bit), SeqCst);
    }
}

#[derive(Clone, Copy, Default)]
pub(crate) struct Or {
    pub(crate) time: bool,
    pub(crate) gone: u64,
}

pub(crate) fn sleep_until(note: &Note, least: u64, or: Or) -> bool {
    step(Location::caller());
    wait_for(|world| {
        let is_so = note.get() >= least;
        (is_so || or.time || (world.ended | world.dead) & or.gone != 0).then_some(is_so)
    })
}

pub(crate) struct Bell(Note);

impl Bell {
    pub(crate) fn new() -> Self {
        Self(Note::new())
    }

    pub(crate) fn ring(&self) {
        step(Location::caller());
        with(|_| self.0.set(1));
    }

    pub(crate) fn wait(&self, or: Or) -> bool {
        let rang = sleep_until(&self.0, 1, or);
        if rang {
            self.0.set(0);
        }
        rang
    }
}

type Run<S> = Box<dyn Fn(&S) + Sync>;

pub(crate) struct Model<S> {
    begin: Box<dyn Fn() -> S>,
    threads: Vec<Run<S>>,
    deaths: u32,
    mortals: u64,
}

impl<S: Sync + 'static> Model<S> {
    pub(crate) fn new(_: &'static str, begin: impl Fn() -> S + 'static) -> Self {
        Self { begin: Box::new(begin), threads: Vec::new(), deaths: 0, mortals: u64::MAX }
    }

    pub(crate) fn thread(mut self, run: impl Fn(&S) + Sync + 'static) -> Self {
        self.threads.push(Box::new(run));
        self
    }

    pub(crate) fn deaths(mut self, deaths: u32) -> Self {
        self.deaths = deaths;
        self
    }

    pub(crate) fn mortals(mut self, mortals: u64) -> Self {
        self.mortals = mortals;
        self
    }

    pub(crate) fn check(self, end: impl Fn(&S)) {
        self.check_with(|shared, asleep| {
            assert_eq!(asleep, 0, "threads that sleep for ever: {asleep:#b}");
            end(shared);
        });
    }

    pub(crate) fn check_with(self, end: impl Fn(&S, u64)) {
        self.execute(None, &end);
        if self.deaths > 0 {
            let victims = (1..=self.threads.len() as Who).filter(|who| self.mortals & 1 << who != 0);
            victims.for_each(|victim| (0..STEPS).for_each(|steps| self.execute(Some((victim, steps)), &end)));
        }
    }

    /// Runs it once; one may die after so many steps.
    fn execute(&self, death: Option<(Who, u32)>, end: &impl Fn(&S, u64)) {
        let world = Shared::default();
        WORLD.set(world.clone());
        let shared = (self.begin)();
        with(|world| world.all = (0..self.threads.len()).map(|i| 2 << i).sum());
        thread::scope(|scope| {
            for (run, me) in self.threads.iter().zip(1..) {
                let (world, shared) = (world.clone(), &shared);
                scope.spawn(move || {
                    WORLD.set(world);
                    ME.set(me);
                    STEPS_LEFT.set(death.filter(|(victim, _)| *victim == me).map(|(_, steps)| steps));
                    let result = catch_unwind(AssertUnwindSafe(|| run(shared)));
                    finish(me, result.err());
                });
            }
        });
        let asleep = with(|world| world.all & !world.ended & !world.dead);
        end(&shared, asleep);
    }
}

/// Notes how a thread has ended.
fn finish(me: Who, panic: Option<Box<dyn Any + Send>>) {
    match panic {
        None => with(|world| world.ended |= 1 << me),
        Some(panic) if panic.is::<Asleep>() => {}
        Some(panic) if panic.is::<Death>() => with(|world| {
            world.dead |= 1 << me;
            world.deaths += 1;
            let held = world.locks.iter_mut().filter(|held| held.by == Some(me));
            held.for_each(|held| *held = Held { by: None, died: true });
        }),
        Some(panic) => {
            with(|world| world.ended |= 1 << me);
            resume_unwind(panic);
        }
    }
}
