//! Which build of which program this is, so that two processes know whether they speak alike.
//!
//! # Safety
//! The walk over the program's own headers and notes stays inside the segments that the loader mapped,
//! as those headers describe them.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::os::unix::fs::MetadataExt;
use std::sync::OnceLock;

/// The linker's build id where there is one, and otherwise the executable's inode, size and time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct BuildId([u8; BuildId::LENGTH]);

impl BuildId {
    pub(crate) const LENGTH: usize = 32;

    /// That of this process.
    pub(crate) fn own() -> Self {
        static OWN: OnceLock<BuildId> = OnceLock::new();
        *OWN.get_or_init(|| Self(from_note().or_else(from_file).unwrap_or_default()))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

/// The descriptor of the note `GNU`, type 3, of the main program.
fn from_note() -> Option<[u8; BuildId::LENGTH]> {
    let mut found = None;
    // SAFETY: the callback gets the pointer to `found`, which outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut found).cast()) };
    found
}

unsafe extern "C" fn visit(info: *mut libc::dl_phdr_info, _size: usize, found: *mut c_void) -> c_int {
    // SAFETY: the loader passes a valid structure for the time of the call.
    let info = unsafe { &*info };
    // SAFETY: the loader says where the headers are and how many.
    let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
    for header in headers.iter().filter(|header| header.p_type == libc::PT_NOTE) {
        let start = (info.dlpi_addr + header.p_vaddr) as *const u8;
        // SAFETY: a note segment is mapped and not written to.
        let notes = unsafe { std::slice::from_raw_parts(start, header.p_memsz as usize) };
        if let Some(id) = build_id_note(notes, header.p_align.max(4) as usize) {
            // SAFETY: this is the pointer that `from_note` passed.
            unsafe { *found.cast::<Option<[u8; BuildId::LENGTH]>>() = Some(id) };
            break;
        }
    }
    1 // the main program comes first; no other is looked at
}

/// Finds the note in a segment of notes: each is three words (lengths of name and descriptor, type), the
/// name and the descriptor, both padded.
fn build_id_note(mut notes: &[u8], align: usize) -> Option<[u8; BuildId::LENGTH]> {
    let padded = |length: u32| (length as usize).next_multiple_of(align);
    loop {
        let (words, rest) = notes.split_at_checked(12)?;
        let word = |i: usize| u32::from_ne_bytes([words[i], words[i + 1], words[i + 2], words[i + 3]]);
        let (name_length, length, kind) = (word(0), word(4), word(8));
        let (name, rest) = rest.split_at_checked(padded(name_length))?;
        let descriptor = rest.get(..length as usize)?;
        if kind == 3 && name == b"GNU\0" {
            let mut id = [0; BuildId::LENGTH];
            let used = descriptor.len().min(id.len() - 1);
            id[0] = b'n';
            id[1..=used].copy_from_slice(&descriptor[..used]);
            return Some(id);
        }
        notes = rest.get(padded(length)..)?;
    }
}

fn from_file() -> Option<[u8; BuildId::LENGTH]> {
    let file = std::fs::metadata("/proc/self/exe").ok()?;
    let mut id = [0; BuildId::LENGTH];
    id[0] = b'f';
    id[1..9].copy_from_slice(&file.ino().to_ne_bytes());
    id[9..17].copy_from_slice(&file.size().to_ne_bytes());
    id[17..25].copy_from_slice(&file.mtime().to_ne_bytes());
    id[25..29].copy_from_slice(&(file.mtime_nsec() as u32).to_ne_bytes());
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::{build_id_note, from_file, from_note};

    #[test]
    fn the_note_is_found_behind_others_and_hostile_lengths_are_not_followed() {
        let note = |name: &[u8], kind: u32, descriptor: &[u8]| {
            let mut bytes = Vec::new();
            bytes.extend((name.len() as u32).to_ne_bytes());
            bytes.extend((descriptor.len() as u32).to_ne_bytes());
            bytes.extend(kind.to_ne_bytes());
            bytes.extend_from_slice(name);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            bytes.extend_from_slice(descriptor);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            bytes
        };
        let notes = [note(b"X\0", 3, b"no"), note(b"GNU\0", 1, b"abc"), note(b"GNU\0", 3, b"build")].concat();
        let id = build_id_note(&notes, 4).expect("the third note");
        assert_eq!(&id[..6], b"nbuild");
        assert_eq!(build_id_note(&notes[..notes.len() - 8], 4), None);
        assert_eq!(build_id_note(&[0xff; 64], 4), None);
    }

    #[test]
    fn both_ways_are_stable() {
        assert_eq!(from_note(), from_note());
        assert_eq!(from_file(), from_file());
        assert!(from_file().is_some());
    }
}
