//! What the command line says.

use std::ffi::{OsStr, OsString};
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};

pub const USAGE: &str = "usage: wordcount [--processes N] [--slice BYTES] [--] [PATH]...   (see --help)";

pub const HELP: &str = "\
Counts lines, words and bytes of files, and prints the ten most frequent words
and the sums.

usage: wordcount [--processes N] [--slice BYTES] [--] [PATH]...

PATH is a file, or a directory with all files below it. Symbolic links below
it are not followed, and what is not a regular file is skipped. Without a PATH,
the sources of carom are counted.

  --processes N  use N worker processes instead of one for each CPU
  --slice BYTES  count files in slices of this size (4194304), so that several
                 workers share a large file
  --help         print this

The exit code is 0 if all files were counted, and otherwise 2.
";

/// This repository, as far as it is its own.
const SOURCES: &str = env!("CARGO_MANIFEST_DIR");
const NOT_SOURCES: [&str; 2] = ["target", ".git"];

pub enum Request {
    Count(Options),
    Help,
}

pub struct Options {
    pub processes: Option<usize>,
    pub slice: u64,
    pub paths: Vec<PathBuf>,
    /// Paths that are left out.
    pub without: Vec<PathBuf>,
}

/// The error is a sentence about the first mistake.
pub fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Request, String> {
    let mut options = Options { processes: None, slice: 4 << 20, paths: Vec::new(), without: Vec::new() };
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--") => options.paths.extend(arguments.by_ref().map(PathBuf::from)),
            Some("--help") => return Ok(Request::Help),
            Some("--processes") => options.processes = Some(number::<NonZeroUsize>(&argument, arguments.next())?.get()),
            Some("--slice") => options.slice = number::<NonZeroU64>(&argument, arguments.next())?.get(),
            _ if argument.as_encoded_bytes().starts_with(b"-") && argument.len() > 1 => {
                return Err(format!("there is no option `{}`", argument.display()));
            }
            _ => options.paths.push(PathBuf::from(argument)),
        }
    }
    if options.paths.is_empty() {
        options.paths.push(PathBuf::from(SOURCES));
        options.without.extend(NOT_SOURCES.map(|name| Path::new(SOURCES).join(name)));
    }
    Ok(Request::Count(options))
}

fn number<N: std::str::FromStr>(option: &OsStr, value: Option<OsString>) -> Result<N, String> {
    let option = option.display();
    let value = value.ok_or_else(|| format!("`{option}` needs a number"))?;
    let number = value.to_str().and_then(|value| value.parse().ok());
    number.ok_or_else(|| format!("`{option}` needs a number above 0, not `{}`", value.display()))
}
