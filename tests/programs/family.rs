//! A program with children, whose end is looked at from outside: `family HOW`.
use std::io::Write;
use std::time::Duration;

use carom::Process;

/// Prints a line, at once.
fn say(line: impl std::fmt::Display) {
    println!("{line}");
    std::io::stdout().flush().expect("flush");
}

/// Tells its pid and never ends by itself; `depth` further generations do the same.
#[carom::task]
fn stay(depth: u32) {
    let _next = (depth > 0).then(|| Process::spawn(stay, depth - 1).expect("spawn"));
    say(std::process::id());
    loop {
        std::hint::spin_loop();
    }
}

/// Says the line at the end of its standard input.
#[carom::task]
fn finish_after_input(line: String) {
    until_end_of_input();
    say(line);
}

#[carom::task]
fn ignore_sigterm() {
    // SAFETY: ignoring a signal installs no handler.
    unsafe { libc::signal(libc::SIGTERM, libc::SIG_IGN) };
    say("ready");
    loop {
        std::thread::sleep(Duration::from_secs(60));
    }
}

#[carom::task]
fn print_arguments() {
    say(std::env::args().skip(1).collect::<Vec<_>>().join(" "));
}

#[carom::task]
fn print_identity() {
    // as a function like any other; this process has been diverted already
    carom::init();
    let (me, parent) = (carom::current_process(), carom::parent_process().expect("a parent"));
    say(format!("{} of {}", me.name(), parent.name()));
}

#[carom::task]
fn nothing() {}

/// Starts and joins many, while something else in this process takes their statuses.
fn start_many() {
    for i in 0..300 {
        let process = Process::spawn(nothing, ()).unwrap_or_else(|error| panic!("{i}: {error:?}"));
        let status = process.join().unwrap_or_else(|error| panic!("{i}: {error:?}"));
        assert!(status.success() || status.is_unknown(), "{i}: {status}");
    }
    say("all started");
}

/// The thread that reaps, by its directory in /proc.
fn reaper() -> Option<std::path::PathBuf> {
    let threads = std::fs::read_dir("/proc/self/task").expect("/proc").flatten();
    threads
        .map(|thread| thread.path())
        .find(|thread| std::fs::read_to_string(thread.join("comm")).is_ok_and(|name| name.trim() == "carom-reaper"))
}

fn see_the_reaper_come_and_go() -> carom::Result<()> {
    for _ in 0..3 {
        let (input, hold) = std::io::pipe()?;
        drop(Process::builder().stdin(input).spawn(until_end_of_input, ())?);
        let thread = loop {
            // it names itself
            match reaper() {
                Some(thread) => break thread,
                None => std::thread::yield_now(),
            }
        };
        let status = std::fs::read_to_string(thread.join("status"))?;
        assert!(status.contains("SigBlk:\tfffffffe7ffbfeff"), "it takes no signals: {status}");
        drop(hold);
        while reaper().is_some() {
            std::thread::yield_now();
        }
        assert!(carom::active_children().is_empty());
    }
    say("gone");
    Ok(())
}

#[carom::task]
fn until_end_of_input() {
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).expect("read");
}

#[carom::task]
fn leave_children_behind() {
    let (input, _hold) = std::io::pipe().expect("pipe");
    Process::builder().stdin(input).spawn(finish_after_input, "grandchild".to_owned()).expect("spawn");
    say("child");
}

fn main() -> carom::Result<()> {
    // asked too early, in a child too
    assert_eq!(carom::current_process().name(), "MainProcess");
    if std::env::args().nth(1).as_deref() == Some("init-by-hand") {
        carom::init();
        Process::spawn(stay, 0)?;
        return Ok(());
    }
    with_children()
}

#[carom::main]
fn with_children() -> carom::Result<()> {
    match std::env::args().nth(1).as_deref() {
        // three generations; the test kills the first
        Some("stay") => {
            Process::spawn(stay, 1)?.join()?.exit_ok()?;
        }
        // the thread that starts the child ends at once; the child must not
        Some("thread-ends") => {
            let process = std::thread::spawn(|| Process::spawn(stay, 0)).join().expect("join")?;
            process.join()?.exit_ok()?;
        }
        // the test kills this at some moment
        Some("storm") => loop {
            drop(Process::builder().stdout(carom::Stdio::Null).spawn(stay, 0)?);
        },
        Some("arguments") => {
            Process::spawn(print_arguments, ())?.join()?.exit_ok()?;
        }
        Some("identity") => {
            Process::builder().name("child").spawn(print_identity, ())?.join()?.exit_ok()?;
        }
        Some("sigchld-ignored") => {
            // SAFETY: ignoring a signal installs no handler.
            unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
            start_many();
        }
        Some("foreign-wait") => {
            // SAFETY: a null pointer is allowed.
            std::thread::spawn(|| {
                loop {
                    unsafe { libc::waitpid(-1, std::ptr::null_mut(), 0) };
                }
            });
            start_many();
        }
        Some("reaper") => see_the_reaper_come_and_go()?,
        Some("late-children") => {
            let (input, hold) = std::io::pipe()?;
            Process::builder().stdin(input).spawn(finish_after_input, "first".to_owned())?;
            std::thread::spawn(move || {
                // the first is most likely waited for by then, and cannot end before the late one is started
                std::thread::sleep(Duration::from_millis(100));
                let (late_input, late_hold) = std::io::pipe().expect("pipe");
                Process::builder().stdin(late_input).spawn(finish_after_input, "late".to_owned()).expect("spawn");
                drop(hold);
                // and the late one ends after the first
                while carom::active_children().len() > 1 {
                    std::thread::yield_now();
                }
                drop(late_hold);
            });
        }
        Some("waits-for-children") => {
            let (input, _hold) = std::io::pipe()?;
            Process::builder().stdin(input).spawn(finish_after_input, "child".to_owned())?;
            say("main");
        }
        Some("ends-daemons") => {
            Process::builder().daemon(true).spawn(stay, 0)?;
            say("main");
        }
        Some("kills-daemons-that-will-not") => {
            let (mut reader, writer) = std::io::pipe()?;
            Process::builder().daemon(true).stdout(writer).spawn(ignore_sigterm, ())?;
            std::io::Read::read_exact(&mut reader, &mut [0; 5])?;
            say("main");
        }
        Some("panics") => {
            let (input, _hold) = std::io::pipe()?;
            Process::builder().stdin(input).spawn(finish_after_input, "child".to_owned())?;
            panic!("main panics");
        }
        Some("grandchildren") => {
            Process::spawn(leave_children_behind, ())?.join()?.exit_ok()?;
            say("main");
        }
        how => panic!("unknown: {how:?}"),
    }
    Ok(())
}
