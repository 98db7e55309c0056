//! A child that its parent moves on instruction by instruction.
//!
//! # Safety
//! The process that forks has one thread, so that the child finds no lock held. The parent reaps each child once, and
//! uses its id only before.

use std::ffi::CStr;
use std::hint::black_box;
use std::mem::{MaybeUninit, offset_of};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Says that the operation begins here.
#[inline(never)]
pub extern "C" fn begin() {
    black_box(1);
}

/// Says that the operation has ended.
#[inline(never)]
pub extern "C" fn end() {
    black_box(2);
}

/// Runs `run` in a copy of this process, which ends when that returns, without destructors, and with this process.
pub fn fork(run: impl FnOnce()) -> u32 {
    // SAFETY: takes nothing.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork: {}", std::io::Error::last_os_error());
    if pid == 0 {
        // SAFETY: takes integers.
        unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
        let panicked = catch_unwind(AssertUnwindSafe(run)).is_err();
        // SAFETY: takes an integer.
        unsafe { libc::_exit(panicked.into()) };
    }
    pid as u32
}

/// Whether a process can be traced here, with breakpoints of the processor. What fails is printed.
pub fn is_possible() -> bool {
    let traced = || {
        let run = || {
            begin();
            end();
        };
        let place = end as *const () as usize;
        matches!(Tracee::start(run).go_to(place), Stop::At(address) if address == place)
    };
    catch_unwind(traced).unwrap_or(false)
}

/// Waits until a child has stopped or ended; its status.
fn wait(pid: u32) -> libc::c_int {
    let mut status = 0;
    // SAFETY: the pointer is to one integer.
    let waited = unsafe { libc::waitpid(pid as i32, &raw mut status, 0) };
    assert_eq!(waited, pid as i32, "waitpid: {}", std::io::Error::last_os_error());
    status
}

/// Waits until a child has ended; whether it did so by itself, and without a panic.
pub fn reap(pid: u32) -> bool {
    wait(pid) == 0
}

/// Where a child has come to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stop {
    /// Before the instruction at this address.
    At(usize),
    /// It ended, or a signal came, with this status.
    Other(libc::c_int),
}

/// A child that is stopped at an instruction. It is killed when this is dropped.
pub(crate) struct Tracee {
    pub(crate) pid: u32,
    ended: bool,
}

impl Tracee {
    /// A child that will next return from [`begin`].
    pub(crate) fn start(run: impl FnOnce()) -> Self {
        let child = || {
            ptrace(libc::PTRACE_TRACEME, 0, 0, 0);
            // SAFETY: takes an integer.
            unsafe { libc::raise(libc::SIGSTOP) };
            run();
        };
        let mut tracee = Self { pid: fork(child), ended: false };
        let status = wait(tracee.pid);
        assert!(libc::WIFSTOPPED(status), "a child ended early: {status:#x}");
        ptrace(libc::PTRACE_SETOPTIONS, tracee.pid, 0, libc::PTRACE_O_EXITKILL as usize);
        match tracee.go_to(begin as *const () as usize) {
            Stop::At(_) => tracee,
            Stop::Other(status) => panic!("a child ended before it came to its operation: {status:#x}"),
        }
    }

    /// Executes one instruction.
    pub(crate) fn step(&mut self) -> Stop {
        self.resume(libc::PTRACE_SINGLESTEP)
    }

    /// Executes instructions until the one at this address comes next, or the [`end`].
    pub(crate) fn go_to(&mut self, address: usize) -> Stop {
        let register = |number| offset_of!(libc::user, u_debugreg) + number * size_of::<usize>();
        ptrace(libc::PTRACE_POKEUSER, self.pid, register(0), address);
        ptrace(libc::PTRACE_POKEUSER, self.pid, register(1), end as *const () as usize);
        // the first two of four breakpoints are on, for execution
        let control = register(7);
        ptrace(libc::PTRACE_POKEUSER, self.pid, control, 0b101);
        let stop = self.resume(libc::PTRACE_CONT);
        if !self.ended {
            ptrace(libc::PTRACE_POKEUSER, self.pid, control, 0);
        }
        stop
    }

    fn resume(&mut self, how: libc::c_uint) -> Stop {
        ptrace(how, self.pid, 0, 0);
        let status = wait(self.pid);
        self.ended = !libc::WIFSTOPPED(status);
        if self.ended || libc::WSTOPSIG(status) != libc::SIGTRAP {
            return Stop::Other(status);
        }
        Stop::At(ptrace(libc::PTRACE_PEEKUSER, self.pid, offset_of!(libc::user, regs.rip), 0) as usize)
    }
}

impl Drop for Tracee {
    fn drop(&mut self) {
        if !self.ended {
            // SAFETY: takes integers; the child is not reaped yet.
            unsafe { libc::kill(self.pid as i32, libc::SIGKILL) };
            while libc::WIFSTOPPED(wait(self.pid)) {}
        }
    }
}

/// # Panics
/// If the kernel refuses it.
fn ptrace(request: libc::c_uint, pid: u32, address: usize, data: usize) -> libc::c_long {
    // SAFETY: no request is made by which the kernel writes to this process.
    let result = unsafe { libc::ptrace(request, pid, address, data) };
    assert_ne!(result, -1, "ptrace {request}: {}", std::io::Error::last_os_error());
    result
}

/// Where an address is: the file, and the place in it, as `addr2line` takes them, and the symbol if it is an exported one.
pub(crate) fn place(address: usize) -> String {
    let mut info = MaybeUninit::<libc::Dl_info>::uninit();
    // SAFETY: there is space for what is found.
    if unsafe { libc::dladdr(address as *const _, info.as_mut_ptr()) } == 0 {
        return format!("{address:#x}");
    }
    // SAFETY: it was found.
    let info = unsafe { info.assume_init() };
    let text = |string: *const libc::c_char| {
        // SAFETY: what is not null is a string of a file that stays loaded.
        (!string.is_null()).then(|| unsafe { CStr::from_ptr(string) }.to_string_lossy())
    };
    let (file, symbol) = (text(info.dli_fname).unwrap_or_default(), text(info.dli_sname).unwrap_or_default());
    format!("{file}+{:#x} {symbol}", address - info.dli_fbase as usize)
}
