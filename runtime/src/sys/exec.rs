//! Starting a program at a cost that does not depend on the size of this process.
//!
//! The child borrows this process's memory until it executes the program, and this thread stands still
//! meanwhile: `clone(CLONE_VM | CLONE_VFORK)`, as glibc's `posix_spawn` does it. What `posix_spawn` cannot
//! do, and why this is here, is to give the pidfd with the child (`CLONE_PIDFD`): a pidfd opened afterwards
//! may come too late, when something else in this process has reaped the child, or not come at all, when
//! the child already runs.
//!
//! # Safety
//! Between the clone and the exec, the child runs in our memory on a stack of its own. It calls only
//! functions that make one system call each, reads what was prepared, and writes `Plan::failure`. It takes
//! no lock, allocates nothing and cannot panic. All signals are blocked until it has reset the handlers,
//! which would otherwise run in it and change our memory.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

/// Where the child finds its socket; nothing above it is open.
pub(crate) const SOCKET_FD: RawFd = 3;

/// A program to start, with exactly these descriptors: 0, 1, 2 and [`SOCKET_FD`].
pub(crate) struct Exec<'a> {
    pub(crate) program: &'a CStr,
    pub(crate) arguments: &'a [&'a CStr],
    pub(crate) environment: &'a [CString],
    pub(crate) directory: Option<&'a CStr>,
    /// What becomes of 0, 1 and 2; `None` leaves this process's own.
    pub(crate) stdio: [Option<BorrowedFd<'a>>; 3],
    pub(crate) socket: BorrowedFd<'a>,
}

/// What went wrong, and no child is there.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No process could be made.
    Process(io::Error),
    /// The directory could not be entered.
    Directory(io::Error),
    /// The program could not be executed.
    Execute(io::Error),
}

/// A process that executes its program.
pub(crate) struct Started {
    pub(crate) pid: libc::pid_t,
    pub(crate) pidfd: OwnedFd,
}

/// What the child reads, and the one thing that it writes.
struct Plan {
    program: *const c_char,
    arguments: *const *const c_char,
    environment: *const *const c_char,
    /// Null for this process's own.
    directory: *const c_char,
    /// What is to become 0, 1, 2 and 3, or -1 for what is there. None of them is among those numbers.
    sources: [RawFd; 4],
    failure: Cell<Option<(Step, c_int)>>,
}

#[derive(Clone, Copy)]
enum Step {
    Descriptors,
    Directory,
    Execute,
}

impl Exec<'_> {
    /// Starts it and returns once the program is being executed.
    ///
    /// Handled signals get their default action, ignored ones stay ignored, and none is blocked.
    pub(crate) fn spawn(&self) -> Result<Started, Failure> {
        let mut lifted = Vec::new();
        let mut sources = [-1; 4];
        for (source, fd) in sources.iter_mut().zip(self.stdio.into_iter().chain([Some(self.socket)])) {
            if let Some(fd) = fd {
                *source = lift(fd, &mut lifted).map_err(Failure::Process)?;
            }
        }
        let arguments = pointers(self.arguments.iter().copied());
        let environment = pointers(self.environment.iter().map(CString::as_c_str));
        let plan = Plan {
            program: self.program.as_ptr(),
            arguments: arguments.as_ptr(),
            environment: environment.as_ptr(),
            directory: self.directory.map_or(ptr::null(), CStr::as_ptr),
            sources,
            failure: Cell::new(None),
        };
        let started = clone_and_exec(&plan).map_err(Failure::Process)?;
        let Some((step, errno)) = plan.failure.get() else { return Ok(started) };
        // it has ended; should something else have reaped it, all the better
        let _ = super::pidfd::wait_and_reap(&started.pidfd);
        let error = io::Error::from_raw_os_error(errno);
        Err(match step {
            Step::Descriptors => Failure::Process(error),
            Step::Directory => Failure::Directory(error),
            Step::Execute => Failure::Execute(error),
        })
    }
}

/// The descriptor or, if its number is among those that the child gives out anew, a duplicate above them.
fn lift(fd: BorrowedFd<'_>, lifted: &mut Vec<OwnedFd>) -> io::Result<RawFd> {
    if fd.as_raw_fd() > SOCKET_FD {
        return Ok(fd.as_raw_fd());
    }
    // SAFETY: takes integers.
    let higher = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, SOCKET_FD + 1) };
    if higher < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call returned a new descriptor.
    lifted.push(unsafe { OwnedFd::from_raw_fd(higher) });
    Ok(higher)
}

/// The null-terminated array that exec wants.
fn pointers<'a>(strings: impl Iterator<Item = &'a CStr>) -> Vec<*const c_char> {
    strings.map(CStr::as_ptr).chain([ptr::null()]).collect()
}

fn clone_and_exec(plan: &Plan) -> io::Result<Started> {
    let stack = Stack::new()?;
    let blocked = Blocked::all();
    let mut pidfd: c_int = -1;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
    let argument = ptr::from_ref(plan).cast_mut().cast::<c_void>();
    // SAFETY: the stack is mapped and ours; plan and pidfd outlive the call, which returns only after the
    // child has stopped to use our memory; `child` keeps to the rules at the head of this file.
    let pid = unsafe { libc::clone(child, stack.top(), flags, argument, &raw mut pidfd) };
    let error = io::Error::last_os_error();
    drop(blocked);
    if pid < 0 {
        return Err(error);
    }
    // SAFETY: the kernel has opened it for us.
    Ok(Started { pid, pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) } })
}

/// What the child does until it is another program.
extern "C" fn child(plan: *mut c_void) -> c_int {
    // SAFETY: this is the pointer that `clone_and_exec` passed; the thread that owns the plan stands still.
    let plan = unsafe { &*plan.cast::<Plan>() };
    let step = become_program(plan);
    plan.failure.set(Some((step, errno())));
    // SAFETY: takes an integer; runs no exit handler of ours.
    unsafe { libc::_exit(127) }
}

/// Returns only if a step failed.
fn become_program(plan: &Plan) -> Step {
    for (target, source) in (0..).zip(plan.sources) {
        // SAFETY: takes integers. A duplicate is not closed by exec.
        if source >= 0 && unsafe { libc::dup2(source, target) } < 0 {
            return Step::Descriptors;
        }
    }
    // also those opened without `O_CLOEXEC`, and before anything that may take time, so that no lifeline of
    // a sibling is held for long
    // SAFETY: takes integers.
    if unsafe { libc::syscall(libc::SYS_close_range, SOCKET_FD + 1, u32::MAX, 0) } < 0 {
        return Step::Descriptors;
    }
    reset_handlers();
    // SAFETY: the string outlives the call.
    if !plan.directory.is_null() && unsafe { libc::chdir(plan.directory) } < 0 {
        return Step::Directory;
    }
    set_mask(0);
    // SAFETY: strings and arrays outlive the call; the arrays end with a null pointer.
    unsafe { libc::execve(plan.program, plan.arguments, plan.environment) };
    Step::Execute
}

/// What the kernel keeps for a signal; the same on both architectures of ours.
#[repr(C)]
#[derive(Clone, Copy)]
struct KernelAction {
    handler: usize,
    flags: libc::c_ulong,
    restorer: usize,
    mask: u64,
}

/// Gives handled signals their default action, as exec is going to. (The C library's function takes a lock for
/// some of them in newer versions, and leaves two out.)
fn reset_handlers() {
    let default = KernelAction { handler: libc::SIG_DFL, flags: 0, restorer: 0, mask: 0 };
    for signal in 1..=64 {
        let mut action = default;
        let (none, size) = (ptr::null::<KernelAction>(), size_of::<u64>());
        // SAFETY: the pointer is to a structure of the kernel's form; a null pointer is allowed.
        let known = unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, none, &raw mut action, size) } == 0;
        if known && ![libc::SIG_DFL, libc::SIG_IGN].contains(&action.handler) {
            let none = ptr::null_mut::<KernelAction>();
            // SAFETY: as above.
            unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, &raw const default, none, size) };
        }
    }
}

fn errno() -> c_int {
    // SAFETY: takes nothing.
    let place = unsafe { libc::__errno_location() };
    // SAFETY: it is this thread's, always valid.
    unsafe { *place }
}

/// Sets the mask of blocked signals, those of the C library included, and returns the old one.
fn set_mask(mask: u64) -> u64 {
    let mut old = 0u64;
    let (new, size) = (ptr::from_ref(&mask), size_of::<u64>());
    // SAFETY: both pointers are to sets of the size that is told. (The C library's function leaves two out.)
    unsafe { libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, new, &raw mut old, size) };
    old
}

/// All signals are blocked in this thread as long as this lives.
struct Blocked {
    before: u64,
}

impl Blocked {
    fn all() -> Self {
        Self { before: set_mask(u64::MAX) }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        set_mask(self.before);
    }
}

/// Memory for the child's few calls.
struct Stack(*mut c_void);

impl Stack {
    const SIZE: usize = 64 << 10;

    fn new() -> io::Result<Self> {
        let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping, at an address of the kernel's choice.
        let base = unsafe { libc::mmap(ptr::null_mut(), Self::SIZE, protection, flags | libc::MAP_STACK, -1, 0) };
        if base == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(Self(base)) }
    }

    /// It grows downwards on all platforms of ours; the end of a page is aligned enough.
    fn top(&self) -> *mut c_void {
        self.0.wrapping_byte_add(Self::SIZE)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and nobody runs on it any more.
        unsafe { libc::munmap(self.0, Self::SIZE) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    fn exec<'a>(program: &'a CStr, arguments: &'a [&'a CStr], output: BorrowedFd<'a>) -> Exec<'a> {
        let stdio = [None, Some(output), None];
        Exec { program, arguments, environment: &[], directory: None, stdio, socket: output }
    }

    #[test]
    fn each_failure_is_told_and_leaves_no_child() {
        let null = std::fs::File::open("/dev/null").expect("open");
        let start = |program, directory| {
            let arguments = [program];
            Exec { directory, ..exec(program, &arguments, null.as_fd()) }.spawn().map(|_| ()).expect_err("fails")
        };
        assert!(matches!(start(c"/no/such", None), Failure::Execute(error) if error.kind() == io::ErrorKind::NotFound));
        assert!(matches!(start(c"/etc/passwd", None), Failure::Execute(_)));
        let no_directory = start(c"/bin/true", Some(c"/no/such"));
        assert!(matches!(no_directory, Failure::Directory(error) if error.kind() == io::ErrorKind::NotFound));
    }

    #[test]
    fn exactly_the_named_descriptors_are_open() {
        use std::io::Read;
        let (mut reader, writer) = io::pipe().expect("pipe");
        let listing: &[&CStr] = &[c"sh", c"-c", c"/bin/ls /proc/$$/fd; exit 0"];
        let started = exec(c"/bin/sh", listing, writer.as_fd()).spawn().expect("spawn");
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("read");
        assert_eq!(text.split_whitespace().collect::<Vec<_>>(), ["0", "1", "2", "3"]);
        assert_eq!(
            super::super::pidfd::wait_and_reap(&started.pidfd).expect("wait"),
            super::super::pidfd::Exit::Code(0)
        );
    }
}
