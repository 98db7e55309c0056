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
        _ => {}
    }
    with_a_pool()
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
