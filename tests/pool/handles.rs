//! Files and connections as arguments and results.
use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read, Seek, Write};
use std::os::fd::AsRawFd;

use carom::{Connection, Fd, Never, pipe};

use crate::common::watchdog;
use crate::stage::{Journal, pool_of};

/// Adds a line to an open file, and returns the file.
#[carom::task]
fn add(file: Fd<File>, line: String) -> Fd<File> {
    writeln!(&*file, "{line}").expect("write");
    file
}

#[carom::test]
fn files_go_there_and_come_back() {
    let _watchdog = watchdog();
    let (pool, journal) = (pool_of(2), Journal::new());
    let mut file = Fd(File::options().read(true).write(true).open(&journal.0).expect("open"));
    for line in ["one", "two", "three"] {
        file = pool.apply(add, (file, line.to_owned())).expect("the file");
    }
    let mut text = String::new();
    file.rewind().expect("rewind");
    file.read_to_string(&mut text).expect("read");
    assert_eq!(text, "one\ntwo\nthree\n");
}

#[carom::task]
fn answer(questions: Connection<u64, u64>) -> Connection<u64, u64> {
    let question = questions.recv().expect("a question");
    questions.send(&(question + 1)).expect("send");
    questions
}

/// Makes a pipe, and returns the end that is not closed with this call.
#[carom::task]
fn letters() -> Connection<Never, String> {
    let (theirs, ours) = pipe::<Never, String>().expect("pipe");
    ours.send(&"a".to_owned()).expect("send");
    ours.send(&"b".to_owned()).expect("send");
    theirs
}

#[carom::test]
fn connections_go_there_and_come_back() {
    let _watchdog = watchdog();
    let pool = pool_of(2);
    let (ours, mut theirs) = pipe::<u64, u64>().expect("pipe");
    for round in 0..10 {
        ours.send(&round).expect("send");
        // read ahead by whoever has the end, and handed on with it
        ours.send(&100).expect("send");
        theirs = pool.apply(answer, theirs).expect("the end");
        assert_eq!(theirs.recv().expect("what was not read"), 100);
        assert_eq!(ours.recv().expect("an answer"), round + 1);
    }
    let received = pool.apply(letters, ()).expect("an end");
    assert_eq!(received.iter().map(|letter| letter.expect("a letter")).collect::<Vec<_>>(), ["a", "b"]);
}

/// Closes one end, and stays until the other pipe is closed.
#[carom::task]
fn close_and_stay(writer: Fd<PipeWriter>, mut gate: Fd<PipeReader>) {
    drop(writer);
    gate.read_to_end(&mut Vec::new()).expect("read");
}

#[carom::test]
fn what_a_call_has_closed_is_closed_though_the_call_goes_on() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    let (mut reader, writer) = std::io::pipe().expect("pipe");
    let (gate, hold) = std::io::pipe().expect("pipe");
    let call = pool.apply_async(close_and_stay, (Fd(writer), Fd(gate)));
    assert_eq!(reader.read_to_end(&mut Vec::new()).expect("the end"), 0);
    assert!(!call.ready());
    drop(hold);
    call.get().expect("it ends");
}

#[carom::task]
fn path_of(file: Fd<File>) -> String {
    let link = format!("/proc/self/fd/{}", file.as_raw_fd());
    std::fs::read_link(link).expect("a link").to_str().expect("a text").to_owned()
}

#[carom::test]
fn chunks_of_many_descriptors_are_cut() {
    let _watchdog = watchdog();
    let pool = pool_of(1);
    // more than one message can carry
    let files = (0..600).map(|_| Fd(File::open("/dev/null").expect("open")));
    let paths = pool.job(path_of).chunk_size(600).map(files).expect("paths");
    assert_eq!(paths, vec!["/dev/null"; 600]);
}
