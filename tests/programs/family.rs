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

#[carom::task]
fn finish_later(line: String) {
    std::thread::sleep(Duration::from_millis(200));
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
fn leave_children_behind() {
    Process::builder().daemon(false).spawn(finish_later, "grandchild".to_owned()).expect("spawn");
    say("child");
}

fn main() -> carom::Result<()> {
    if std::env::args().nth(1).as_deref() == Some("init-by-hand") {
        carom::init();
        Process::spawn(stay, 0)?;
        std::thread::sleep(Duration::from_millis(100));
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
        Some("waits-for-children") => {
            Process::spawn(finish_later, "child".to_owned())?;
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
            Process::spawn(finish_later, "child".to_owned())?;
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
