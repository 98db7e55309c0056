//! A program with a pool, whose end is looked at from outside: `pools HOW`.
use std::path::PathBuf;

use carom::{Pool, PoolError};

/// Prints a line, at once.
fn say(line: impl std::fmt::Display) {
    use std::io::Write;
    println!("{line}");
    std::io::stdout().flush().expect("flush");
}

/// Tells its pid and never ends by itself.
#[carom::task]
fn stay() {
    say(std::process::id());
    loop {
        std::hint::spin_loop();
    }
}

#[carom::task]
fn double(x: u64) -> u64 {
    2 * x
}

/// Prints without a line's end, so that it stays in the buffer of standard output.
#[carom::task]
fn print_dot(_number: u64) {
    print!(".");
}

fn is_child() -> bool {
    std::env::args().next().is_some_and(|program| program.contains("carom child"))
}

fn how() -> String {
    std::env::args().nth(1).expect("how")
}

/// Workers call it when they begin to serve; in its place, this ends them there if they are told to.
#[unsafe(no_mangle)]
extern "C" fn setpgid(_pid: libc::pid_t, _group: libc::pid_t) -> libc::c_int {
    if how() == "ends-before-it-serves" {
        std::process::exit(6);
    }
    0
}

/// A file that makes workers end before they come to carom.
fn obstacle() -> PathBuf {
    std::env::args().nth(2).expect("a path").into()
}

fn main() -> carom::Result<()> {
    match &*how() {
        "uninitialised" => {
            Pool::new()?;
        }
        "late-init" if is_child() => {
            // what such a program would do next
            assert!(matches!(Pool::new(), Err(PoolError::Spawn(_))));
            return Ok(());
        }
        "fails-later" | "one-left" if is_child() && obstacle().exists() => std::process::exit(5),
        "stalls" if is_child() => {
            while obstacle().exists() {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        }
        _ => {}
    }
    with_a_pool()
}

/// The worker that has been started since, when there is one.
fn successor(before: u32) -> carom::Process {
    loop {
        match carom::active_children().into_iter().find(|child| child.pid() > 0 && child.pid() != before) {
            Some(child) if child.is_alive() => return child,
            _ => std::thread::yield_now(),
        }
    }
}

/// Kills a worker while its successor cannot become ready, and so many of those.
fn kill_those_that_stall(pool: &Pool, kills: usize) -> carom::Result<()> {
    std::fs::write(obstacle(), "")?;
    let mut before = pool.worker_pids()[0];
    carom::active_children().into_iter().find(|child| child.pid() == before).expect("the worker").kill()?;
    for _ in 0..kills {
        let next = successor(before);
        before = next.pid();
        next.kill()?;
    }
    Ok(())
}

/// Each worker runs a call that never ends.
fn busy() -> carom::Result<Pool> {
    let pool = Pool::builder().processes(2).build()?;
    drop(pool.apply_async(stay, ()));
    drop(pool.apply_async(stay, ()));
    Ok(pool)
}

#[carom::main]
fn with_a_pool() -> carom::Result<()> {
    match &*how() {
        "late-init" | "ends-before-it-serves" => {
            let error = Pool::builder().processes(3).build().expect_err("no worker can start");
            say(format_args!("{error:?}"));
            assert!(carom::active_children().is_empty());
        }
        "fails-later" => {
            let pool = Pool::builder().processes(1).build()?;
            assert_eq!(pool.apply(double, 1)?, 2);
            std::fs::write(obstacle(), "")?;
            let worker = pool.worker_pids()[0];
            let worker = carom::active_children().into_iter().find(|child| child.pid() == worker).expect("the worker");
            worker.kill()?;
            let _ = worker.join()?;
            let error = loop {
                match pool.apply(double, 1) {
                    // its pool has not noticed yet that the worker is gone
                    Err(error) if error.worker_lost().is_some() => {}
                    Err(error) => break error,
                    Ok(_) => panic!("there is no worker"),
                }
            };
            say(format_args!("{error:?}"));
            assert!(!error.is_codec() && !error.is_terminated() && !error.is_closed() && !error.is_timeout());
            for result in pool.imap(double, 0..20) {
                assert!(result.expect_err("still").to_string().starts_with(&error.to_string()));
            }
            std::fs::remove_file(obstacle())?;
            say(pool.apply(double, 2)?);
        }
        "one-left" => {
            let pool = Pool::builder().processes(2).build()?;
            std::fs::write(obstacle(), "")?;
            carom::active_children()[0].kill()?;
            // whether or not its pool has noticed: one call at most was with the worker that is gone
            let lost = pool.imap(double, 0..200).filter(|result| match result {
                Ok(_) => false,
                Err(error) => error.worker_lost().map(|_| true).expect("the other worker does it"),
            });
            assert!(lost.count() <= 1);
            say("done by the other");
            std::fs::remove_file(obstacle())?;
        }
        "stalls" => {
            let pool = Pool::builder().processes(1).build()?;
            assert_eq!(pool.apply(double, 1)?, 2);
            for kills in 0..=2 {
                kill_those_that_stall(&pool, kills)?;
                // one that is not ready begins nothing, and the next one has it
                let queued = pool.apply_async(double, 21);
                assert!(!queued.wait(std::time::Duration::from_millis(20)));
                std::fs::remove_file(obstacle())?;
                assert_eq!(queued.get()?, 42);
            }
            // so often in a row is the fault of the program
            kill_those_that_stall(&pool, 3)?;
            let queued = pool.apply_async(double, 21);
            // its pool may not have noticed before that the third has ended, and then it starts no other one
            while !queued.ready() {
                carom::active_children().iter().try_for_each(carom::Process::kill)?;
            }
            let error = queued.get().expect_err("no worker becomes ready");
            assert!(error.worker_lost().is_none());
            say(format_args!("{error:?}"));
            std::fs::remove_file(obstacle())?;
            assert_eq!(pool.apply(double, 4)?, 8);
            // nobody waits for one that is not ready
            kill_those_that_stall(&pool, 0)?;
            let queued = pool.apply_async(double, 21);
            let _ = successor(0);
            drop(pool);
            assert!(queued.get().is_err_and(|error| error.is_terminated()));
            assert!(carom::active_children().is_empty());
            std::fs::remove_file(obstacle())?;
        }
        // the test kills this
        "recycles" => {
            let pool = Pool::builder().processes(2).max_tasks_per_child(2).build()?;
            assert_eq!(pool.apply(double, 1)?, 2);
            while carom::active_children().len() < 3 {
                std::thread::yield_now();
            }
            let pids: Vec<String> = carom::active_children().iter().map(|child| child.pid().to_string()).collect();
            say(pids.join(" "));
            loop {
                pool.map(double, 0..10)?;
            }
        }
        "prints" => {
            let pool = Pool::builder().processes(2).build()?;
            pool.map(print_dot, 0..20)?;
        }
        // the test kills this
        "busy" => busy()?.join(),
        "forgotten" => std::mem::forget(busy()?),
        "forgotten-idle" => {
            let pool = Pool::builder().processes(2).build()?;
            assert_eq!(pool.map(double, 0..3)?, [0, 2, 4]);
            pool.worker_pids().iter().for_each(say);
            std::mem::forget(pool);
        }
        // destructors do not run
        "exits" => {
            let pool = Pool::builder().processes(2).build()?;
            pool.worker_pids().iter().for_each(say);
            drop(pool.apply_async(stay, ()));
            std::process::exit(3);
        }
        "panics" => {
            let pool = busy()?;
            pool.worker_pids().iter().for_each(say);
            panic!("main panics");
        }
        how => panic!("unknown: {how}"),
    }
    Ok(())
}
