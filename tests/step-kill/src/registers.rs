//! What of tracing depends on the processor: where a child is, and where it is to stop.

/// Whether this processor's registers are known here.
pub(crate) const ARE_KNOWN: bool = cfg!(target_arch = "x86_64");

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use std::mem::offset_of;

    /// Where in the kernel's `user` area it stands which instruction comes next.
    pub(crate) const PROGRAM_COUNTER: usize = offset_of!(libc::user, regs.rip);
    /// In the control register: the first two of four breakpoints are on, for execution.
    pub(crate) const BREAK: usize = 0b101;
    /// The register that turns breakpoints on.
    pub(crate) const CONTROL: usize = breakpoint(7);

    /// Whether an instruction enters the kernel.
    pub(crate) fn is_system_call(instruction: [u8; 8]) -> bool {
        instruction.starts_with(&[0x0f, 0x05])
    }

    /// Whether it is a locked one, an exchange or a system call.
    pub(crate) fn is_visible(instruction: [u8; 8]) -> bool {
        let rest = match instruction {
            [0x40..=0x4f, rest @ ..] => rest,
            [first, rest @ ..] => return matches!(first, 0xf0 | 0x86 | 0x87) || first == 0x0f && rest[0] == 0x05,
        };
        matches!(rest[0], 0x86 | 0x87)
    }

    /// Where the address of a breakpoint stands.
    pub(crate) const fn breakpoint(number: usize) -> usize {
        offset_of!(libc::user, u_debugreg) + number * size_of::<usize>()
    }
}

/// Never used: nothing is traced where they are not known.
#[cfg(not(target_arch = "x86_64"))]
mod unknown {
    pub(crate) const PROGRAM_COUNTER: usize = 0;
    pub(crate) const BREAK: usize = 0;
    pub(crate) const CONTROL: usize = 0;

    pub(crate) const fn breakpoint(_number: usize) -> usize {
        0
    }

    pub(crate) fn is_system_call(_instruction: [u8; 8]) -> bool {
        false
    }

    pub(crate) fn is_visible(_instruction: [u8; 8]) -> bool {
        false
    }
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) use unknown::*;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86_64::*;
