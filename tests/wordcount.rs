//! The example `wordcount` agrees with `wc`, and says what it could not count.

mod common;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use common::{eventually, example, run, text, watchdog};

/// A directory of a test's own, gone when it ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("carom-wordcount-{name}-{}", std::process::id()));
        fs::create_dir(&path).expect("a new directory");
        Self(path)
    }

    fn file(&self, name: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, contents).expect("write");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn wordcount<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Output {
    Command::new(example("wordcount")).args(arguments).output().expect("the program starts")
}

/// With slices of this size.
fn in_slices(size: usize, paths: &[PathBuf]) -> Output {
    let options = ["--slice".into(), OsString::from(size.to_string())];
    wordcount(options.into_iter().chain(paths.iter().map(OsString::from)))
}

/// What it printed, if it has nothing to complain of.
#[track_caller]
fn table(output: &Output) -> String {
    assert_eq!(text(&output.stderr), "");
    assert!(output.status.success(), "{}", output.status);
    text(&output.stdout)
}

#[track_caller]
fn last_line(output: &Output) -> String {
    text(&output.stdout).lines().last().expect("a line").to_owned()
}

fn is_space(byte: &u8) -> bool {
    b" \t\n\x0b\x0c\r".contains(byte)
}

/// What the program should print of files with these contents, if they are of printable words.
fn expected(files: &[impl AsRef<[u8]>]) -> String {
    let (mut lines, mut words, mut bytes) = (0, 0, 0);
    let mut times = BTreeMap::<&[u8], usize>::new();
    for file in files.iter().map(AsRef::as_ref) {
        lines += file.iter().filter(|byte| **byte == b'\n').count();
        bytes += file.len();
        for word in file.split(is_space).filter(|word| !word.is_empty()) {
            words += 1;
            *times.entry(word).or_default() += 1;
        }
    }
    let mut times: Vec<_> = times.into_iter().collect();
    times.sort_by_key(|(_, times)| std::cmp::Reverse(*times)); // stable: equal ones stay in the order of the words
    let table: String = times.iter().take(10).map(|(word, times)| format!("{times:>10}  {}\n", shown(word))).collect();
    format!("{table}files {}, lines {lines}, words {words}, bytes {bytes}, failed 0\n", files.len())
}

/// A word of printable characters in the table.
fn shown(word: &[u8]) -> String {
    let word = text(word);
    if word.chars().count() <= 60 { word } else { word.chars().take(60).chain(['…']).collect() }
}

/// The last line by `wc`.
fn sums_by_wc(paths: &[PathBuf]) -> String {
    let output = Command::new("wc").arg("-lwc").args(paths).env("LC_ALL", "C").output().expect("wc");
    let out = text(&output.stdout);
    let sums: Vec<&str> = out.lines().last().expect("a total").split_whitespace().collect();
    format!("files {}, lines {}, words {}, bytes {}, failed 0", paths.len(), sums[0], sums[1], sums[2])
}

/// Words of up to twelve letters between all kinds of white space, always the same; the end may be within a word.
fn generated(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut text = Vec::with_capacity(length + 16);
    while text.len() < length {
        let letters = 1 + random(4);
        (0..1 + random(12)).for_each(|_| text.push(b'a' + random(letters) as u8));
        (0..1 + random(2)).for_each(|_| text.push(b"    \n\n\t\r\x0b\x0c"[random(10)]));
    }
    text.truncate(length);
    text
}

#[test]
fn sums_and_table_are_those_of_wc_for_files_of_all_sizes() {
    let _watchdog = watchdog();
    let scratch = Scratch::new("sizes");
    const SLICE: usize = 4096;
    let sizes = [0, 1, 2, SLICE - 1, SLICE, SLICE + 1, 2 * SLICE - 1, 2 * SLICE, 2 * SLICE + 1, 50 * SLICE + 77];
    let contents: Vec<_> = sizes.iter().map(|size| generated(*size, *size as u64)).collect();
    let paths: Vec<_> = contents.iter().zip(sizes).map(|(text, size)| scratch.file(size.to_string(), text)).collect();
    let output = in_slices(SLICE, &paths);
    assert_eq!(table(&output), expected(&contents));
    assert_eq!(last_line(&output), sums_by_wc(&paths));
}

#[test]
fn a_file_of_ten_mebibytes_is_as_wc_says() {
    let _watchdog = watchdog();
    let scratch = Scratch::new("large");
    let contents = [generated(10 << 20, 1), b"one more".to_vec()];
    let paths = [scratch.file("large", &contents[0]), scratch.file("small", &contents[1])];
    let output = wordcount(&paths);
    assert_eq!(table(&output), expected(&contents));
    assert_eq!(last_line(&output), sums_by_wc(&paths));
}

#[test]
fn wherever_a_file_is_cut_the_counts_are_the_same() {
    let _watchdog = watchdog();
    let scratch = Scratch::new("cut");
    let contents: [&[u8]; 5] = [b"ab  cde\n\x0bf ", b" g\r\n\n", b"a-word-of-five-slices\x0cand", b"abc", b"\t \t"];
    let paths: Vec<_> = contents.iter().enumerate().map(|(i, text)| scratch.file(i.to_string(), text)).collect();
    for size in 1..=25 {
        let output = in_slices(size, &paths);
        assert_eq!(table(&output), expected(&contents), "in slices of {size}");
        assert_eq!(last_line(&output), sums_by_wc(&paths));
    }
}

#[test]
fn a_word_longer_than_slices_and_than_what_is_read_at_once_is_one_word() {
    let _watchdog = watchdog();
    let scratch = Scratch::new("long");
    let long = "long".repeat(5000);
    let contents = [format!("before {long} after"), long.clone(), format!("{long}\n{long}")];
    let paths: Vec<_> = contents.iter().enumerate().map(|(i, text)| scratch.file(i.to_string(), text)).collect();
    for size in [1000, 4096, 5000, 19_999, 20_000] {
        assert_eq!(table(&in_slices(size, &paths)), expected(&contents), "in slices of {size}");
    }
}

#[test]
fn bytes_that_are_no_text_are_parts_of_words_and_are_shown_harmlessly() {
    let _watchdog = watchdog();
    let scratch = Scratch::new("bytes");
    let path =
        scratch.file("binary", b"\0\0 \xff\xfe \x1b[31m \x85 \xc2\xa0 gr\xc3\xb6\xc3\x9fe \xc2\x9b \0\0\n\x7f\x7f");
    let shown = ["2  \\u{0}\\u{0}", "1  \\u{1b}[31m", "1  größe", "1  \\u{7f}\\u{7f}", "1  \u{fffd}"];
    let shown = shown.into_iter().chain(["1  \\u{9b}", "1  \u{a0}", "1  \u{fffd}\u{fffd}"]);
    let expected: String = shown.map(|line| format!("         {line}\n")).collect();
    let expected = format!("{expected}files 1, lines 1, words 9, bytes 33, failed 0\n");
    for size in [1, 2, 3, 100] {
        assert_eq!(table(&in_slices(size, std::slice::from_ref(&path))), expected, "in slices of {size}");
    }
}

#[test]
fn the_table_is_of_ten_words_by_count_and_then_by_their_bytes() {
    let _watchdog = watchdog();
    let scratch = Scratch::new("order");
    let words = "z y x w v u t s r q p o n m b b a a a B B";
    let path = scratch.file("words", words);
    let expected: String = ["3  a", "2  B", "2  b", "1  m", "1  n", "1  o", "1  p", "1  q", "1  r", "1  s"]
        .map(|line| format!("         {line}\n"))
        .concat();
    let expected = format!("{expected}files 1, lines 0, words 21, bytes {}, failed 0\n", words.len());
    assert_eq!(table(&wordcount([path])), expected);
}

#[test]
fn of_a_long_word_the_table_has_the_beginning() {
    let _watchdog = watchdog();
    let scratch = Scratch::new("beginning");
    let words = ["ä".repeat(60), "ö".repeat(61), "𝄞".repeat(61), "𝄟".repeat(1000), "\0".repeat(13)];
    let path = scratch.file("words", words.join(" "));
    let (ä, ö, clef, other) = (&words[0], "ö".repeat(60), "𝄞".repeat(60), "𝄟".repeat(60));
    let nulls = "\\u{0}".repeat(12);
    let shown = [format!("{nulls}…"), ä.clone(), format!("{ö}…"), format!("{clef}…"), format!("{other}…")];
    let expected: String = shown.iter().map(|word| format!("         1  {word}\n")).collect();
    let bytes = words.join(" ").len();
    assert_eq!(table(&wordcount([path])), format!("{expected}files 1, lines 0, words 5, bytes {bytes}, failed 0\n"));
}

#[test]
fn what_cannot_be_counted_is_named_and_the_rest_is_counted() {
    let _watchdog = watchdog();
    let scratch = Scratch::new("failed");
    let there = scratch.file("there", "some words\n");
    let (missing, dangling) = (scratch.0.join("missing"), scratch.0.join("dangling"));
    symlink("nowhere", &dangling).expect("a link");
    let output = wordcount([&missing, &there, &dangling, &there.join("below")]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(last_line(&output), "files 1, lines 1, words 2, bytes 11, failed 3");
    let [missing, there, dangling] = [missing, there, dangling].map(|path| path.display().to_string());
    let expected = format!(
        "wordcount: {missing}: No such file or directory (os error 2)\n\
         wordcount: {dangling}: No such file or directory (os error 2)\n\
         wordcount: {there}/below: Not a directory (os error 20)\n"
    );
    assert_eq!(text(&output.stderr), expected);
}

#[test]
fn links_are_followed_where_they_are_given_and_only_regular_files_are_counted() {
    let _watchdog = watchdog();
    let scratch = Scratch::new("links");
    let inside = scratch.0.join("inside");
    fs::create_dir_all(inside.join("deep/deeper")).expect("directories");
    let word = scratch.file("inside/deep/deeper/word", "word");
    symlink(&word, inside.join("to-file")).expect("a link");
    symlink("..", inside.join("round")).expect("a link");
    symlink("nowhere", inside.join("dangling")).expect("a link");
    assert!(Command::new("mkfifo").arg(inside.join("pipe")).status().expect("mkfifo").success());
    let (to_file, to_directory) = (inside.join("to-file"), scratch.0.join("to-directory"));
    symlink(&inside, &to_directory).expect("a link");
    let line = |path: &Path| table(&wordcount([path])).lines().last().map(str::to_owned);
    for path in [&inside, &to_directory, &to_file] {
        assert_eq!(line(path).as_deref(), Some("files 1, lines 0, words 1, bytes 4, failed 0"), "{}", path.display());
    }
    assert_eq!(line(&inside.join("pipe")).as_deref(), Some("files 0, lines 0, words 0, bytes 0, failed 0"));
}

#[test]
fn an_empty_directory_has_nothing_and_that_is_no_failure() {
    let _watchdog = watchdog();
    let scratch = Scratch::new("empty");
    assert_eq!(table(&wordcount([&scratch.0])), "files 0, lines 0, words 0, bytes 0, failed 0\n");
}

#[test]
fn names_need_not_be_utf_8() {
    let _watchdog = watchdog();
    let scratch = Scratch::new("names");
    scratch.file(OsStr::from_bytes(b"\xff\n\x1b"), "one two");
    let missing = OsString::from_vec([scratch.0.as_os_str().as_bytes(), b"/\xfe\n\x1b"].concat());
    let output = wordcount([scratch.0.as_os_str(), &missing]);
    assert_eq!(last_line(&output), "files 1, lines 0, words 2, bytes 7, failed 1");
    let name = format!("{}/\u{fffd}\\n\\u{{1b}}", scratch.0.display());
    assert_eq!(text(&output.stderr), format!("wordcount: {name}: No such file or directory (os error 2)\n"));
}

#[test]
fn a_file_of_proc_that_says_it_is_empty_is_read_to_its_end() {
    let _watchdog = watchdog();
    let path = Path::new("/proc/sys/kernel/ostype");
    let expected = "         1  Linux\nfiles 1, lines 1, words 1, bytes 6, failed 0\n";
    assert_eq!(table(&wordcount([path])), expected);
}

#[test]
fn without_a_path_it_counts_this_repository() {
    let _watchdog = watchdog();
    let sources = fs::read_dir(env!("CARGO_MANIFEST_DIR")).expect("the sources").map(|entry| entry.expect("an entry"));
    let without = ["target", ".git"].map(OsString::from);
    let own: Vec<_> = sources.filter(|entry| !without.contains(&entry.file_name())).map(|entry| entry.path()).collect();
    let output = wordcount::<&str>([]);
    assert_eq!(table(&output), table(&wordcount(&own)));
    let line = last_line(&output);
    let files = line.strip_prefix("files ").and_then(|line| line.split(',').next()?.parse::<u32>().ok());
    assert!(files > Some(100), "{line}");
}

#[test]
fn bad_usage_is_told_and_exits_with_2() {
    let _watchdog = watchdog();
    for (arguments, mistake) in [
        (&["--frobnicate"][..], "there is no option `--frobnicate`"),
        (&["-x", "README.md"], "there is no option `-x`"),
        (&["--processes"], "`--processes` needs a number"),
        (&["--processes", "0"], "`--processes` needs a number above 0, not `0`"),
        (&["--processes", "two"], "`--processes` needs a number above 0, not `two`"),
        (&["--processes", "-1"], "`--processes` needs a number above 0, not `-1`"),
        (&["README.md", "--slice", "0"], "`--slice` needs a number above 0, not `0`"),
        (&["--processes", "99999999999999999999"], "not `99999999999999999999`"),
    ] {
        let output = wordcount(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(text(&output.stdout), "");
        let err = text(&output.stderr);
        assert!(err.starts_with("wordcount: ") && err.contains(mistake) && err.contains("\nusage: "), "{err}");
    }
}

#[test]
fn help_says_what_there_is() {
    let _watchdog = watchdog();
    let help = table(&wordcount(["--help"]));
    for option in ["--processes N", "--slice BYTES", "--help", "PATH"] {
        assert!(help.contains(option), "{help}");
    }
}

#[test]
fn two_hyphens_end_the_options() {
    let _watchdog = watchdog();
    let scratch = Scratch::new("hyphens");
    scratch.file("--help", "helpful");
    scratch.file("-", "-");
    let mut command = Command::new(example("wordcount"));
    let output = command.current_dir(&scratch.0).args(["-", "--", "--help"]).output().expect("the program starts");
    assert!(table(&output).ends_with("files 2, lines 0, words 2, bytes 8, failed 0\n"));
}

#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let _watchdog = watchdog();
    let full = fs::File::options().write(true).open("/dev/full").expect("/dev/full");
    let mut command = Command::new(example("wordcount"));
    let output = command.arg("/dev/null").stdout(full).output().expect("the program starts");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stderr), "wordcount: standard output: No space left on device (os error 28)\n");
}

/// The program, counting a file that takes a while, and a small one.
struct Counting {
    program: Child,
    large: PathBuf,
    scratch: Scratch,
}

/// The size of the large file.
const LARGE: usize = 32 << 20;

impl Counting {
    fn start(name: &str, options: &[&str]) -> Self {
        let scratch = Scratch::new(name);
        let large = scratch
            .file("a", "x".repeat(63).into_bytes().into_iter().chain([b'\n']).collect::<Vec<_>>().repeat(LARGE / 64));
        let small = scratch.file("b", "small\n");
        let mut command = Command::new(example("wordcount"));
        let command = command.args(options).args([&large, &small]).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { program: command.spawn().expect("the program starts"), large, scratch }
    }

    fn workers(&self) -> Vec<u32> {
        let parent = self.program.id();
        let pids = fs::read_dir("/proc").expect("/proc").flatten();
        let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(|pid| status(*pid).is_some_and(|(_, ppid)| ppid == parent)).collect()
    }

    /// Stops a worker that is counting the large file.
    fn hold(&self) -> u32 {
        let mut held = None;
        eventually("a worker counts the file", || {
            held = self.workers().into_iter().find(|worker| {
                signal("STOP", *worker);
                eventually("it has stopped", || status(*worker).is_none_or(|(state, _)| "TZX".contains(state)));
                let mut fds = fs::read_dir(format!("/proc/{worker}/fd")).into_iter().flatten().flatten();
                let counting = fds.any(|fd| fs::read_link(fd.path()).is_ok_and(|path| path == self.large));
                if !counting {
                    signal("CONT", *worker);
                }
                counting
            });
            held.is_some()
        });
        held.expect("a worker")
    }

    #[track_caller]
    fn fails_with(self, reason: impl Fn(&str) -> bool) {
        let output = self.program.wait_with_output().expect("wait");
        assert_eq!(output.status.code(), Some(2));
        let err = text(&output.stderr);
        assert_eq!(err.lines().count(), 1, "{err}");
        let told = err.strip_prefix(&format!("wordcount: {}: ", self.large.display()));
        assert!(told.is_some_and(|told| reason(told.trim_end())), "{err}");
        let expected = "         1  small\nfiles 1, lines 1, words 1, bytes 6, failed 1\n";
        assert_eq!(text(&output.stdout), expected);
    }
}

/// The state and the parent of a process.
fn status(pid: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // PID (NAME) STATE PPID …, where NAME may contain anything
    let mut fields = stat.rsplit(')').next()?.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

fn signal(name: &str, pid: u32) {
    // one that has ended meanwhile is not there to get it
    run("kill", &[&format!("-{name}"), &pid.to_string()]);
}

#[test]
fn a_worker_that_dies_costs_the_file_that_it_was_counting() {
    let _watchdog = watchdog();
    for options in [&["--slice", "1000000000"][..], &["--slice", "8000000", "--processes", "1"]] {
        let counting = Counting::start("killed", options);
        signal("KILL", counting.hold());
        counting.fails_with(|reason| reason.contains("signal 9 (SIGKILL)"));
    }
}

#[test]
fn a_file_that_changes_while_it_is_counted_fails_once() {
    let _watchdog = watchdog();
    let counting = Counting::start("changed", &["--slice", "8000000"]);
    let worker = counting.hold();
    let mut file = fs::File::options().append(true).open(&counting.large).expect("open");
    file.write_all(b"more").expect("write");
    signal("CONT", worker);
    counting.fails_with(|reason| reason == "it has changed while it was counted");
}

#[test]
fn a_file_that_vanishes_while_it_is_counted_fails_once() {
    let _watchdog = watchdog();
    let counting = Counting::start("vanished", &["--slice", "10000", "--processes", "1"]);
    let worker = counting.hold();
    fs::remove_file(&counting.large).expect("remove");
    signal("CONT", worker);
    counting.fails_with(|reason| reason == "No such file or directory (os error 2)");
}

#[test]
fn there_are_as_many_workers_as_were_asked_for() {
    let _watchdog = watchdog();
    let counting = Counting::start("workers", &["--processes", "3"]);
    let worker = counting.hold();
    assert_eq!(counting.workers().len(), 3);
    signal("CONT", worker);
    let Counting { program, scratch: _scratch, .. } = counting;
    let output = program.wait_with_output().expect("wait");
    let (lines, bytes) = (LARGE / 64 + 1, LARGE + 6);
    let expected = format!(
        "{:>10}  {}\n         1  small\nfiles 2, lines {lines}, words {lines}, bytes {bytes}, failed 0\n",
        LARGE / 64,
        shown(&[b'x'; 63])
    );
    assert_eq!(table(&output), expected);
}
