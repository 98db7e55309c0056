//! Which files there are, and how a slice of one is read.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A regular file as it was found.
#[derive(Clone, Serialize, Deserialize)]
pub struct TextFile {
    /// Not a `PathBuf`, of which serde refuses those that are not UTF-8.
    pub path: OsString,
    stamp: Stamp,
}

/// As long as this is the same, it is the same file with the same contents.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let modified = (metadata.mtime(), metadata.mtime_nsec());
        Self { device: metadata.dev(), inode: metadata.ino(), size: metadata.size(), modified }
    }
}

/// Finds the regular files below the paths, but for what is in `without`; tells `failed` what cannot be looked at.
pub fn find(paths: &[PathBuf], without: &[PathBuf], mut failed: impl FnMut(&Path, io::Error)) -> Vec<TextFile> {
    let mut files = Vec::new();
    // the last is the next
    let mut waiting: Vec<_> = paths.iter().rev().map(|path| (path.clone(), true)).collect();
    while let Some((path, given)) = waiting.pop() {
        // a link is followed if it was given
        let metadata = if given { fs::metadata(&path) } else { fs::symlink_metadata(&path) };
        match metadata {
            Ok(metadata) if metadata.is_file() => files.push(TextFile::found(path, &metadata)),
            Ok(metadata) if metadata.is_dir() => match entries(&path) {
                Ok(inside) => {
                    let inside = inside.into_iter().rev().filter(|path| !without.contains(path));
                    waiting.extend(inside.map(|path| (path, false)));
                }
                Err(error) => failed(&path, error),
            },
            Ok(_) => {}
            Err(error) => failed(&path, error),
        }
    }
    files
}

fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    entries.sort_unstable();
    Ok(entries)
}

impl TextFile {
    fn found(path: PathBuf, metadata: &Metadata) -> Self {
        Self { path: path.into(), stamp: Stamp::of(metadata) }
    }

    pub fn size(&self) -> u64 {
        self.stamp.size
    }

    /// Cuts it into slices of this size; the last has what is left, up to twice as much.
    pub fn slices(&self, size: u64) -> impl ExactSizeIterator<Item = Range<u64>> + use<> {
        let end = self.stamp.size;
        let count = (end / size).max(1) as usize;
        (0..count).map(move |index| {
            let start = index as u64 * size;
            start..if index + 1 == count { end } else { start + size }
        })
    }

    /// Opens it to be read from there.
    pub fn open_at(&self, start: u64) -> io::Result<OpenFile<'_>> {
        // if it has become a pipe meanwhile, this does not wait for a writer
        let mut file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(&self.path)?;
        self.check(&file)?;
        file.seek(SeekFrom::Start(start))?;
        Ok(OpenFile { file, found: self })
    }

    fn check(&self, file: &File) -> io::Result<()> {
        if Stamp::of(&file.metadata()?) == self.stamp {
            return Ok(());
        }
        Err(io::Error::other("it has changed while it was counted"))
    }
}

pub struct OpenFile<'a> {
    file: File,
    found: &'a TextFile,
}

impl OpenFile<'_> {
    /// Reads so many bytes, or what there is, to the end of `text`.
    pub fn read(&mut self, bytes: u64, text: &mut Vec<u8>) -> io::Result<usize> {
        (&self.file).take(bytes).read_to_end(text)
    }

    /// Makes sure that what has been read is what was found.
    pub fn close(self) -> io::Result<()> {
        self.found.check(&self.file)
    }
}
