//! What is passed arrives, or is refused.
use std::collections::BTreeMap;
use std::path::PathBuf;

use carom::{JoinError, Process, SpawnError};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::common::{stdout_of, watchdog};

#[carom::task]
fn none() {
    print!("none");
}

#[carom::task]
fn one(text: String) {
    print!("{text}");
}

#[carom::task]
fn two(path: PathBuf, mut count: u32) {
    count += 1;
    print!("{} {count}", path.display());
}

#[carom::task]
#[allow(clippy::too_many_arguments)]
fn eight(a: u8, b: i64, c: f64, d: char, e: bool, f: Option<u8>, g: Vec<String>, h: BTreeMap<u8, (u8, u8)>) {
    print!("{a} {b} {c} {d} {e} {f:?} {g:?} {h:?}");
}

#[carom::test]
fn arguments_arrive_unchanged() {
    let _watchdog = watchdog();
    assert_eq!(stdout_of(Process::builder(), none, ()).0, "none");
    assert_eq!(stdout_of(Process::builder(), one, "grüße\0".to_owned()).0, "grüße\0");
    assert_eq!(stdout_of(Process::builder(), two, ("/a b".into(), 1)).0, "/a b 2");
    let many = (1, i64::MIN, 0.1, 'ß', true, Some(2), vec!["x".to_owned()], BTreeMap::from([(1, (2, 3))]));
    let printed = "1 -9223372036854775808 0.1 ß true Some(2) [\"x\"] {1: (2, 3)}";
    assert_eq!(stdout_of(Process::builder(), eight, many).0, printed);
}

#[carom::task]
fn sum(numbers: Vec<u64>) {
    print!("{} {}", numbers.len(), numbers.iter().sum::<u64>());
}

#[carom::test]
fn arguments_of_many_mebibytes_arrive() {
    let _watchdog = watchdog();
    for count in [500, 600, 4_000_000] {
        let numbers: Vec<u64> = (0..count).map(|i| i << 20).collect();
        let expected = format!("{count} {}", numbers.iter().sum::<u64>());
        assert_eq!(stdout_of(Process::builder(), sum, numbers).0, expected);
    }
}

#[carom::test]
fn starting_does_not_wait_for_a_child_to_read_large_arguments() {
    let _watchdog = watchdog();
    // this program never reads them
    let deaf = Process::builder().executable(env!("CARGO_BIN_EXE_deaf"));
    let process = deaf.spawn(sum, vec![1; 4_000_000]).expect("spawn");
    process.kill().expect("kill");
    assert_eq!(process.join().expect("ended by a signal, which is no surprise").signal(), Some(libc::SIGKILL));
}

/// Its two directions do not agree.
struct Lopsided(&'static str);

impl Serialize for Lopsided {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            "refuse" => Err(serde::ser::Error::custom("not this one")),
            "more" => (1u8, 2u8).serialize(serializer),
            _ => serializer.serialize_u8(1),
        }
    }
}

impl<'de> Deserialize<'de> for Lopsided {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u8::deserialize(deserializer)? {
            1 if std::env::var_os("PANIC").is_some() => panic!("in Deserialize"),
            1 if std::env::var_os("ABORT").is_some() => std::process::abort(),
            1 if std::env::var_os("ACCEPT").is_some() => Ok(Self("one")),
            _ => Err(serde::de::Error::custom("I do not like it")),
        }
    }
}

#[carom::task]
fn lopsided(value: Lopsided) {
    print!("{}", value.0);
}

#[carom::test]
fn an_argument_that_does_not_encode_is_an_error_of_the_start() {
    let error = Process::spawn(lopsided, Lopsided("refuse")).expect_err("it refuses");
    assert!(matches!(error, SpawnError::Encode { .. }));
    assert_eq!(error.to_string(), "the input of task `process::arguments::lopsided` cannot be encoded");
}

#[derive(Serialize, Deserialize)]
struct Job {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    level: Option<u8>,
    id: u8,
}

#[carom::task]
fn show(job: Job) {
    print!("{:?} {}", job.level, job.id);
}

#[carom::test]
fn an_argument_that_would_arrive_as_another_is_refused() {
    let _watchdog = watchdog();
    assert_eq!(stdout_of(Process::builder(), show, Job { level: Some(1), id: 2 }).0, "Some(1) 2");
    let error = Process::spawn(show, Job { level: None, id: 2 }).expect_err("its fields would be read as others");
    let text = format!("{error:?}");
    assert!(text.contains("its field `level` is left out at times"), "{text}");
}

#[carom::test]
fn an_argument_that_does_not_decode_is_an_error_of_the_join() {
    let _watchdog = watchdog();
    for (value, variable, reason) in [
        ("one", "NONE", "did not arrive: the bytes do not decode as a `process::arguments::Lopsided`"),
        ("one", "PANIC", "panicked"),
        ("more", "ACCEPT", "followed by 1 bytes that nothing reads"),
    ] {
        let process = Process::builder()
            .env(variable, "1")
            .stderr(carom::Stdio::Null)
            .spawn(lopsided, Lopsided(value))
            .expect("spawn");
        let error = process.join().expect_err("the task never ran");
        assert!(matches!(error, JoinError::NotStarted { .. }));
        assert!(error.to_string().contains(reason), "{error}");
        // and every further join says the same
        assert_eq!(process.join().expect_err("still").to_string(), error.to_string());
    }
    let process = Process::builder().env("ABORT", "1").spawn(lopsided, Lopsided("one")).expect("spawn");
    let error = process.join().expect_err("the task never ran");
    assert!(error.to_string().contains("ended (signal 6 (SIGABRT)"), "{error}");
    assert_eq!(process.exit_status().and_then(|status| status.signal()), Some(libc::SIGABRT));
    assert_eq!(stdout_of(Process::builder().env("ACCEPT", "1"), lopsided, Lopsided("one")).0, "one");
}
