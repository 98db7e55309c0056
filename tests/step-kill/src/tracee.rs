//! A process that another one moves on instruction by instruction.
//!
//! # Safety
//! The parent reaps each child once, and uses its id only before. One that it holds is a zombie until it has waited for it, too.

use std::ffi::CStr;
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::panic::catch_unwind;

use crate::process::{fork, is_asleep, kill, look, wait};
use crate::registers;

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

/// Whether a process can be traced here, with breakpoints of the processor. What fails is printed.
pub fn is_possible() -> bool {
    let traced = || {
        let run = || {
            begin();
            end();
        };
        let place = end as *const () as usize;
        matches!(Tracee::start(false, run).go_to(place), Stop::At(address) if address == place)
    };
    registers::ARE_KNOWN && catch_unwind(traced).unwrap_or(false)
}

/// Where a child has come to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stop {
    /// Before the instruction at this address.
    At(usize),
    /// In a system call, in which it sleeps.
    Asleep,
    /// It ended, or a signal came, with this status.
    Other(libc::c_int),
}

/// A process that is stopped at an instruction. It is killed when this is dropped.
pub(crate) struct Tracee {
    pub(crate) pid: u32,
    /// Whether it is told when it sleeps, in place of waiting until it does not.
    sleeps: bool,
    /// It is where it slept, and will go on doing so if nobody has woken it.
    is_held: bool,
    ended: bool,
}

impl Tracee {
    /// A child that will next return from [`begin`].
    pub(crate) fn start(sleeps: bool, run: impl FnOnce()) -> Self {
        let child = || {
            ptrace(libc::PTRACE_TRACEME, 0, 0, 0);
            // SAFETY: takes an integer.
            unsafe { libc::raise(libc::SIGSTOP) };
            run();
        };
        let mut tracee = Self { pid: fork(child), sleeps: false, is_held: false, ended: false };
        let status = wait(tracee.pid);
        assert!(libc::WIFSTOPPED(status), "a child ended early: {status:#x}");
        ptrace(libc::PTRACE_SETOPTIONS, tracee.pid, 0, libc::PTRACE_O_EXITKILL as usize);
        match tracee.go_to(begin as *const () as usize) {
            Stop::At(_) => {
                tracee.sleeps = sleeps;
                tracee
            }
            stop => panic!("a child did not come to its operation: {stop:?}"),
        }
    }

    /// A process that is asleep, and is held there. It is a descendant of this one, and its addresses are the same.
    pub(crate) fn hold(pid: u32) -> Self {
        ptrace(libc::PTRACE_SEIZE, pid, 0, libc::PTRACE_O_EXITKILL as usize);
        let tracee = Self { pid, sleeps: true, is_held: true, ended: false };
        ptrace(libc::PTRACE_INTERRUPT, pid, 0, 0);
        let status = wait(pid);
        assert!(libc::WIFSTOPPED(status), "a sleeper ended early: {status:#x}");
        tracee
    }

    /// The address of the instruction that comes next.
    pub(crate) fn address(&self) -> usize {
        ptrace(libc::PTRACE_PEEKUSER, self.pid, registers::PROGRAM_COUNTER, 0) as usize
    }

    /// Executes one instruction.
    pub(crate) fn step(&mut self) -> Stop {
        let sleeps = self.sleeps;
        // it can sleep in nothing but a system call, or where it slept and was held
        self.sleeps &= self.is_held || registers::is_system_call(self.instruction());
        let stop = self.resume(libc::PTRACE_SINGLESTEP);
        self.sleeps = sleeps;
        stop
    }

    /// Whether others see at once what the next instruction does.
    pub(crate) fn is_visible(&self) -> bool {
        registers::is_visible(self.instruction())
    }

    /// The first bytes of the instruction that comes next, in their order.
    fn instruction(&self) -> [u8; 8] {
        ptrace(libc::PTRACE_PEEKTEXT, self.pid, self.address(), 0).to_le_bytes()
    }

    /// Executes instructions until the one at this address comes next, or the [`end`].
    pub(crate) fn go_to(&mut self, address: usize) -> Stop {
        ptrace(libc::PTRACE_POKEUSER, self.pid, registers::breakpoint(0), address);
        ptrace(libc::PTRACE_POKEUSER, self.pid, registers::breakpoint(1), end as *const () as usize);
        ptrace(libc::PTRACE_POKEUSER, self.pid, registers::CONTROL, registers::BREAK);
        let stop = self.resume(libc::PTRACE_CONT);
        if matches!(stop, Stop::At(_)) {
            ptrace(libc::PTRACE_POKEUSER, self.pid, registers::CONTROL, 0);
        }
        stop
    }

    fn resume(&mut self, how: libc::c_uint) -> Stop {
        self.is_held = false;
        loop {
            ptrace(how, self.pid, 0, 0);
            let Some(status) = self.wait() else { return Stop::Asleep };
            self.ended = !libc::WIFSTOPPED(status);
            match libc::WSTOPSIG(status) {
                _ if self.ended => return Stop::Other(status),
                libc::SIGTRAP => return Stop::At(self.address()),
                // that a child of its own has ended does nothing to it
                libc::SIGCHLD => {}
                _ => return Stop::Other(status),
            }
        }
    }

    /// Its status, when it has stopped or ended; none if it sleeps, where that is the end of the operation.
    fn wait(&self) -> Option<libc::c_int> {
        if !self.sleeps {
            return Some(wait(self.pid));
        }
        for look_at_it in 1_u32.. {
            if let Some(status) = look(self.pid) {
                return Some(status);
            }
            // to look whether it sleeps takes longer than most steps
            if look_at_it.is_multiple_of(64) && is_asleep(self.pid) {
                return None;
            }
            // it may wait for this processor
            if look_at_it.is_multiple_of(8) {
                std::thread::yield_now();
            }
        }
        None
    }
}

impl Drop for Tracee {
    fn drop(&mut self) {
        if !self.ended {
            kill(self.pid);
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
