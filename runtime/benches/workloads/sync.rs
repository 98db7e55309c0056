//! Waiting for another process: events, conditions, barriers and semaphores.

use carom::{Barrier, Condition, Connection, Event, Process, Semaphore, Value};

use crate::limits;
use crate::memory::{Stage, contended};
use crate::report::{latency, nanoseconds};

/// How often the other process is woken, and wakes this one, in a round of samples.
const ROUNDS: usize = 5_000;

#[carom::task]
fn answer_events(ask: Event, reply: Event, end: Event) {
    loop {
        ask.wait();
        ask.clear();
        if end.is_set() {
            return;
        }
        reply.set();
    }
}

/// Two processes that wait for each other's event in turn.
pub(crate) fn event_pingpong() {
    limits::futex("event_pingpong");
    let event = || Event::new().expect("memory");
    let (ask, reply, end) = (event(), event(), event());
    let process = Process::spawn(answer_events, (ask.clone(), reply.clone(), end.clone())).expect("spawn");
    latency("event_pingpong", "carom", ROUNDS, || {
        ask.set();
        reply.wait();
        reply.clear();
    });
    end.set();
    ask.set();
    process.join().expect("join").exit_ok().expect("exit");
}

/// Whose turn it is.
const HERE: u32 = 0;
const THERE: u32 = 1;
const OVER: u32 = 2;

#[carom::task]
fn answer_conditions(turn: Value<u32>, here: Condition, there: Condition) {
    let mut guard = turn.lock().expect("nobody died");
    loop {
        guard = there.wait_for(guard, |turn| **turn != HERE).expect("nobody died");
        if *guard == OVER {
            return;
        }
        *guard = HERE;
        here.notify(1);
    }
}

/// Two processes that take turns, told by a value under a lock.
pub(crate) fn condition_pingpong() {
    limits::futex("condition_pingpong");
    let turn = Value::new(HERE).expect("memory");
    let (here, there) = (Condition::new().expect("memory"), Condition::new().expect("memory"));
    let process = Process::spawn(answer_conditions, (turn.clone(), here.clone(), there.clone())).expect("spawn");
    latency("condition_pingpong", "carom", ROUNDS, || {
        let mut guard = turn.lock().expect("nobody died");
        *guard = THERE;
        there.notify(1);
        drop(here.wait_for(guard, |turn| **turn == HERE).expect("nobody died"));
    });
    *turn.lock().expect("nobody died") = OVER;
    there.notify(1);
    process.join().expect("join").exit_ok().expect("exit");
}

#[carom::task]
fn meet(barrier: Barrier) {
    while barrier.wait().is_ok() {}
}

/// Two processes that do nothing but wait for each other.
pub(crate) fn barrier_round() {
    limits::futex("barrier_round");
    let barrier = Barrier::new(2).expect("memory");
    let process = Process::spawn(meet, barrier.clone()).expect("spawn");
    latency("barrier_round", "carom", ROUNDS, || {
        barrier.wait().expect("nobody died");
    });
    barrier.abort();
    process.join().expect("join").exit_ok().expect("exit");
}

fn pass(semaphore: &Semaphore) {
    drop(semaphore.acquire());
}

#[carom::task]
fn pass_on_stage(stage: Stage<Semaphore>, done: Connection<u64, u64>) {
    done.send(&stage.work(pass)).expect("send");
}

#[carom::task]
fn answer_permits(ask: Semaphore, reply: Semaphore, end: Event) {
    loop {
        ask.acquire().forget();
        if end.is_set() {
            return;
        }
        reply.release(1);
    }
}

/// A permit that nobody else wants; two processes that want one of one, and of two; and permits as signals in turn.
pub(crate) fn semaphore() {
    limits::robust_mutex("semaphore");
    let semaphore = |permits| move || Semaphore::new(permits).expect("memory");
    let alone = semaphore(1)();
    nanoseconds("semaphore", "carom", "acquire+release", || pass(&alone));
    contended("semaphore", "carom(1)", semaphore(1), pass_on_stage);
    contended("semaphore", "carom(2)", semaphore(2), pass_on_stage);
    limits::futex("semaphore");
    let (ask, reply, end) = (semaphore(0)(), semaphore(0)(), Event::new().expect("memory"));
    let process = Process::spawn(answer_permits, (ask.clone(), reply.clone(), end.clone())).expect("spawn");
    latency("semaphore", "carom", ROUNDS, || {
        ask.release(1);
        reply.acquire().forget();
    });
    end.set();
    ask.release(1);
    process.join().expect("join").exit_ok().expect("exit");
}
