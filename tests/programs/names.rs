//! A program that owns a name of shared memory: `names HOW NAME`. It says when it has it, and waits for its input.
use std::io::Write;

use carom::{Process, SharedMemory};

fn ready_and_wait() {
    println!("ready");
    std::io::stdout().flush().expect("flush");
    std::io::stdin().read_line(&mut String::new()).expect("a line");
}

#[carom::task]
fn own(name: String) {
    let _memory = owned(&name);
    ready_and_wait();
    // the task's process ends as tasks do, without a look at what it still has
    std::mem::forget(_memory);
}

fn owned(name: &str) -> SharedMemory {
    let memory = SharedMemory::create_owned(name, 5).expect("memory");
    memory.write(0, b"owned").expect("within");
    memory
}

/// The process that removes names.
fn keeper() -> Option<i32> {
    let pid = std::process::id().to_string();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).expect("children");
    children.split_whitespace().next()?.parse().ok()
}

#[carom::main]
fn main() -> carom::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [how, name] = &*arguments else { panic!("usage: names HOW NAME") };
    if how == "task" {
        let process = Process::builder().stdin(carom::Stdio::Inherit).spawn(own, name.clone())?;
        process.join()?.exit_ok()?;
        return Ok(());
    }
    let memory = owned(name);
    if how == "killed-keeper" {
        let keeper = keeper().expect("it is the only child");
        // SAFETY: takes integers; it is this process's child.
        unsafe { libc::kill(keeper, libc::SIGKILL) };
        let second = owned(&format!("{name}-2"));
        ready_and_wait();
        drop(second);
    }
    ready_and_wait();
    match how.as_str() {
        "drop" => {
            drop(memory);
            assert!(!std::path::Path::new("/dev/shm").join(name).exists());
            return Ok(());
        }
        "exit" => std::process::exit(0),
        "abort" => std::process::abort(),
        "panic" => panic!("as it should"),
        _ => {}
    }
    // whatever ends it now
    std::mem::forget(memory);
    Ok(())
}
