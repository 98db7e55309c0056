//! Starting a program by `posix_spawn`: the cost does not depend on the size of this process, because
//! the child borrows its memory until the exec (`CLONE_VM | CLONE_VFORK` in glibc).
//!
//! # Safety
//! The calls get pointers to NUL-terminated strings and arrays that outlive them, and the two objects
//! of `posix_spawn` are initialised before use and destroyed once.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
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

impl Exec<'_> {
    /// Starts it and returns its pid once the exec has succeeded.
    ///
    /// Signals keep their dispositions but for handlers, which exec resets; none is blocked.
    pub(crate) fn spawn(&self) -> io::Result<libc::pid_t> {
        let mut actions = FileActions::new()?;
        let mut lifted = Vec::new();
        for (target, source) in self.stdio.iter().enumerate() {
            if let Some(source) = source {
                actions.place(*source, target as RawFd, &mut lifted)?;
            }
        }
        actions.place(self.socket, SOCKET_FD, &mut lifted)?;
        actions.close_from(SOCKET_FD + 1)?;
        if let Some(directory) = self.directory {
            actions.change_directory(directory)?;
        }
        let attributes = Attributes::with_no_signal_blocked()?;
        let argv = pointers(self.arguments.iter().copied());
        let envp = pointers(self.environment.iter().map(CString::as_c_str));
        let mut pid = 0;
        // SAFETY: all pointers are to live, initialised objects; both arrays end with a null pointer.
        check(unsafe {
            libc::posix_spawn(&mut pid, self.program.as_ptr(), &actions.0, &attributes.0, argv.as_ptr(), envp.as_ptr())
        })?;
        Ok(pid)
    }
}

/// The null-terminated array that exec wants; it does not write through the pointers.
fn pointers<'a>(strings: impl Iterator<Item = &'a CStr>) -> Vec<*mut c_char> {
    strings.map(|string| string.as_ptr().cast_mut()).chain([ptr::null_mut()]).collect()
}

/// These functions return the error number.
fn check(code: c_int) -> io::Result<()> {
    match code {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

struct FileActions(libc::posix_spawn_file_actions_t);

impl FileActions {
    fn new() -> io::Result<Self> {
        let mut raw = MaybeUninit::uninit();
        // SAFETY: the pointer is to space for the object.
        check(unsafe { libc::posix_spawn_file_actions_init(raw.as_mut_ptr()) })?;
        // SAFETY: the call above initialised it.
        Ok(Self(unsafe { raw.assume_init() }))
    }

    /// Makes `source` the child's descriptor `target`.
    ///
    /// The actions run one after another, so a source among the targets could be overwritten before
    /// its turn: it is first duplicated above them, into `lifted`, which must outlive the spawn.
    fn place(&mut self, source: BorrowedFd<'_>, target: RawFd, lifted: &mut Vec<OwnedFd>) -> io::Result<()> {
        let mut raw = source.as_raw_fd();
        while raw <= SOCKET_FD {
            // std duplicates to 3 or above, which may still be `SOCKET_FD`: keep it, and take the next
            let higher = source.try_clone_to_owned()?;
            raw = higher.as_raw_fd();
            lifted.push(higher);
        }
        // SAFETY: the object is initialised.
        check(unsafe { libc::posix_spawn_file_actions_adddup2(&mut self.0, raw, target) })
    }

    /// Closes all from `first` on, also those that were opened without `O_CLOEXEC`.
    fn close_from(&mut self, first: RawFd) -> io::Result<()> {
        match close_from_symbol() {
            // SAFETY: the object is initialised.
            Some(add) => check(unsafe { add(&mut self.0, first) }),
            None => self.close_listed(first),
        }
    }

    /// For glibc before 2.34: closes those that are open now.
    fn close_listed(&mut self, first: RawFd) -> io::Result<()> {
        for entry in std::fs::read_dir("/proc/self/fd")? {
            let name = entry?.file_name();
            if let Some(fd) = name.to_str().and_then(|name| name.parse::<RawFd>().ok())
                && fd >= first
            {
                // SAFETY: the object is initialised; closing one that is not open any more is no error.
                check(unsafe { libc::posix_spawn_file_actions_addclose(&mut self.0, fd) })?;
            }
        }
        Ok(())
    }

    fn change_directory(&mut self, directory: &CStr) -> io::Result<()> {
        // SAFETY: the object is initialised, and copies the string.
        check(unsafe { libc::posix_spawn_file_actions_addchdir_np(&mut self.0, directory.as_ptr()) })
    }
}

impl Drop for FileActions {
    fn drop(&mut self) {
        // SAFETY: initialised, and dropped once.
        unsafe { libc::posix_spawn_file_actions_destroy(&mut self.0) };
    }
}

type AddCloseFrom = unsafe extern "C" fn(*mut libc::posix_spawn_file_actions_t, c_int) -> c_int;

/// `posix_spawn_file_actions_addclosefrom_np` came with glibc 2.34, and we run from 2.31 on.
fn close_from_symbol() -> Option<AddCloseFrom> {
    static SYMBOL: std::sync::OnceLock<Option<AddCloseFrom>> = std::sync::OnceLock::new();
    *SYMBOL.get_or_init(|| {
        let name = c"posix_spawn_file_actions_addclosefrom_np";
        // SAFETY: the name is a string.
        let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
        // SAFETY: the symbol of this name has this signature; a null pointer is `None`.
        unsafe { std::mem::transmute::<*mut libc::c_void, Option<AddCloseFrom>>(address) }
    })
}

struct Attributes(libc::posix_spawnattr_t);

impl Attributes {
    fn with_no_signal_blocked() -> io::Result<Self> {
        let mut raw = MaybeUninit::uninit();
        // SAFETY: the pointer is to space for the object.
        check(unsafe { libc::posix_spawnattr_init(raw.as_mut_ptr()) })?;
        // SAFETY: the call above initialised it.
        let mut attributes = Self(unsafe { raw.assume_init() });
        let mut empty = MaybeUninit::uninit();
        // SAFETY: the pointer is to space for a set.
        unsafe { libc::sigemptyset(empty.as_mut_ptr()) };
        // SAFETY: both objects are initialised.
        check(unsafe { libc::posix_spawnattr_setsigmask(&mut attributes.0, empty.as_ptr()) })?;
        let flags = libc::POSIX_SPAWN_SETSIGMASK as libc::c_short;
        // SAFETY: the object is initialised.
        check(unsafe { libc::posix_spawnattr_setflags(&mut attributes.0, flags) })?;
        Ok(attributes)
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: initialised, and dropped once.
        unsafe { libc::posix_spawnattr_destroy(&mut self.0) };
    }
}
