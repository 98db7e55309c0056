//! Each example prints what it says it does.

mod common;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use common::{eventually, example, run, text, watchdog};

#[test]
fn hello_greets_each_name_from_a_process_of_its_own() {
    let _watchdog = watchdog();
    let output = run(example("hello"), &["Ada", "Grace"]);
    assert!(output.status.success());
    let out = text(&output.stdout);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 2, "{out}");
    for (line, (name, process)) in lines.iter().zip([("Ada", "Process-1"), ("Grace", "Process-2")]) {
        assert!(line.starts_with(&format!("hello {name}, from {process} (pid ")), "{line}");
        assert!(line.ends_with(", child of MainProcess"), "{line}");
    }
}

#[test]
fn crash_tells_how_each_process_ended() {
    let _watchdog = watchdog();
    let output = run(example("crash"), &[]);
    assert!(output.status.success());
    let expected = "segfault: signal 11 (SIGSEGV)\n   panic: exit code 1\n   error: exit code 1\n    exit: exit code 7\n  killed: signal 9 (SIGKILL)\nthe parent is well\n";
    // whether the kernel writes core files is a setting of the machine
    assert_eq!(text(&output.stdout).replace(", core dumped", ""), expected);
    let err = text(&output.stderr);
    assert!(err.contains("index out of bounds: the len is 3 but the index is 7"), "{err}");
    assert!(err.contains("task `crash::read` in process `error` failed: No such file or directory"), "{err}");
}

/// A path of this test's own, gone when it ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("carom-{name}-{}", std::process::id())))
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("a temporary directory with a name in UTF-8")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn pipeline_counts_the_words_of_its_files() {
    let _watchdog = watchdog();
    let (one, other) = (Scratch::new("one"), Scratch::new("other"));
    std::fs::write(one.path(), "Birds sing; birds fly.\n\nThe OWL does not sing,\nowls hoot.\n").expect("write");
    std::fs::write(other.path(), "Größe größe BIRDS").expect("write");
    let output = run(example("pipeline"), &[one.path(), other.path()]);
    assert_eq!(text(&output.stderr), "");
    assert!(output.status.success());
    let expected = "    3 birds\n    2 größe\n    2 sing\n    1 does\n    1 hoot\n    1 owls\n";
    assert_eq!(text(&output.stdout), expected);
}

#[test]
fn pipeline_prints_the_ten_most_frequent_words_of_the_readme_if_no_file_is_named() {
    let _watchdog = watchdog();
    let output = run(example("pipeline"), &[]);
    assert!(output.status.success());
    let named = run(example("pipeline"), &[concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")]);
    assert_eq!(text(&output.stdout), text(&named.stdout));
    assert_eq!(text(&output.stdout).lines().count(), 10);
}

#[test]
fn pipeline_of_a_missing_file_prints_no_table_and_says_which_it_is() {
    let _watchdog = watchdog();
    let there = Scratch::new("there");
    std::fs::write(there.path(), "some words").expect("write");
    let output = run(example("pipeline"), &[there.path(), "/no/such/file"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
    let err = text(&output.stderr);
    let expected =
        "carom: task `pipeline::read_lines` in process `read` failed: /no/such/file: No such file or directory";
    assert!(err.starts_with(expected), "{err}");
    assert!(err.ends_with("Error: the process failed: exit code 1\n"), "{err}");
}

/// The child of this name of a process, unless it has ended.
fn child_named(parent: u32, name: &str) -> Option<u32> {
    let pids = std::fs::read_dir("/proc").expect("/proc").flatten();
    pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).find(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // PID (NAME) STATE PPID …
        let Some((state, parents)) = stat.split_once(&format!(" ({name}) ")).and_then(|(_, rest)| rest.split_once(' '))
        else {
            return false;
        };
        state != "Z" && parents.split(' ').next() == Some(&parent.to_string())
    })
}

#[test]
fn pipeline_whose_last_stage_is_killed_ends_and_says_so() {
    let _watchdog = watchdog();
    let input = Scratch::new("input");
    assert!(run("mkfifo", &[input.path()]).status.success());
    let mut pipeline = Command::new(example("pipeline"));
    let pipeline = pipeline.arg(input.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let pipeline = pipeline.spawn().expect("the program starts");
    // waits for the first stage to open it, too
    let mut lines = std::fs::File::create(input.path()).expect("open");
    let mut stage = None;
    eventually("the last stage is there", || {
        stage = child_named(pipeline.id(), "count");
        stage.is_some()
    });
    assert!(run("kill", &["-KILL", &stage.expect("a pid").to_string()]).status.success());
    eventually("the last stage has ended", || child_named(pipeline.id(), "count").is_none());
    lines.write_all(b"some words\n").expect("write");
    drop(lines);
    let output = pipeline.wait_with_output().expect("wait");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
    let err = text(&output.stderr);
    assert!(err.starts_with("Error: ") && err.contains("signal 9 (SIGKILL)"), "{err}");
    assert_eq!(err.lines().count(), 1, "the stages before it have nothing to complain of: {err}");
}

#[test]
fn shared_counter_counts_every_time() {
    let _watchdog = watchdog();
    let output = run(example("shared_counter"), &["3", "5000"]);
    assert!(output.status.success());
    assert_eq!(text(&output.stdout), "under a lock 15000, atomic 15000, should be 15000\n");
}

#[test]
fn particles_keep_their_energy() {
    let _watchdog = watchdog();
    let output = run(example("particles"), &["300"]);
    assert!(output.status.success());
    let out = text(&output.stdout);
    assert!(out.starts_with("1000 particles, 300 steps, "), "{out}");
    assert!(out.ends_with(" bounced, energy 500.000 -> 500.000\n"), "{out}");
}

#[test]
fn bank_loses_no_money_when_those_who_hold_the_lock_are_killed() {
    let _watchdog = watchdog();
    let output = run(example("bank"), &["300"]);
    let out = text(&output.stdout);
    assert!(output.status.success(), "{out}{}", text(&output.stderr));
    assert!(out.ends_with("300 of them of one who held the lock; money 16000, should be 16000\n"), "{out}");
}

/// An example that is running.
struct Running(Child);

impl Running {
    fn start(name: &str, arguments: &[&str]) -> Self {
        let mut program = Command::new(example(name));
        let program = program.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(program.spawn().expect("the program starts"))
    }

    /// The process id of a child that is there, or is to come.
    fn child(&mut self, name: &str) -> u32 {
        let mut child = None;
        eventually(&format!("{name} is there"), || {
            assert!(self.0.try_wait().expect("wait").is_none(), "the program was too quick to have {name} killed");
            child = child_named(self.0.id(), name);
            child.is_some()
        });
        child.expect("a pid")
    }

    fn kill(&mut self, name: &str) -> u32 {
        let child = self.child(name);
        send("-KILL", child);
        eventually(&format!("{name} has ended"), || child_named(self.0.id(), name).is_none());
        child
    }

    fn end(self) -> Output {
        self.0.wait_with_output().expect("wait")
    }
}

fn send(signal: &str, process: u32) {
    assert!(run("kill", &[signal, &process.to_string()]).status.success());
}

/// Waits until a process sleeps whenever one looks, as one does that waits for another.
fn until_it_waits(process: u32) {
    let mut asleep = 0;
    eventually("it waits", || {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it is there");
        asleep = if stat.contains(") S ") { asleep + 1 } else { 0 };
        asleep == 20
    });
}

#[test]
fn bounded_buffer_hands_every_item_on_once() {
    let _watchdog = watchdog();
    for [producers, consumers, items] in
        [["3", "2", "5000"], ["1", "1", "1000"], ["2", "12", "1000"], ["12", "2", "1000"]]
    {
        let output = run(example("bounded_buffer"), &[producers, consumers, items]);
        assert!(output.status.success());
        let expected = format!("{items} items, {items} put, {items} taken, {items} seen once, 0 more often\n");
        assert_eq!(text(&output.stdout), expected);
        assert_eq!(text(&output.stderr), "");
    }
}

#[test]
fn bounded_buffer_without_anybody_on_one_side_ends() {
    let _watchdog = watchdog();
    for arguments in [["2", "0", "100"], ["0", "2", "100"]] {
        let output = run(example("bounded_buffer"), &arguments);
        assert!(output.status.success());
        assert_eq!(text(&output.stdout), "100 items, 0 put, 0 taken, 0 seen once, 0 more often\n");
    }
}

#[test]
fn bounded_buffer_goes_on_when_a_consumer_is_killed_that_waits() {
    let _watchdog = watchdog();
    let mut buffer = Running::start("bounded_buffer", &["2", "3", "200000"]);
    let consumers = ["consumer 1", "consumer 2", "consumer 3"].map(|name| buffer.child(name));
    let producers = ["producer 1", "producer 2"].map(|name| buffer.child(name));
    producers.iter().for_each(|producer| send("-STOP", *producer));
    consumers.iter().for_each(|consumer| until_it_waits(*consumer));
    let killed = buffer.kill("consumer 2");
    producers.iter().for_each(|producer| send("-CONT", *producer));
    let output = buffer.end();
    let err = text(&output.stderr);
    assert!(output.status.success(), "{err}");
    assert_eq!(text(&output.stdout), "200000 items, 200000 put, 200000 taken, 200000 seen once, 0 more often\n");
    assert_eq!(err, format!("consumer 2 (pid {killed}): the process failed: signal 9 (SIGKILL)\n"));
}

/// The numbers in the line that the example prints.
fn numbers(out: &str) -> Vec<u64> {
    out.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

#[test]
fn bounded_buffer_goes_on_when_some_are_killed_at_any_time() {
    let _watchdog = watchdog();
    let mut buffer = Running::start("bounded_buffer", &["4", "3", "200000"]);
    // without this one it does not end
    let needed = buffer.child("producer 1");
    send("-STOP", needed);
    for name in ["consumer 1", "producer 4", "consumer 3"] {
        buffer.kill(name);
    }
    send("-CONT", needed);
    let output = buffer.end();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let [items, put, taken, once, more] = numbers(&text(&output.stdout))[..] else { panic!("five numbers") };
    assert_eq!((items, taken, more), (200_000, put, 0));
    // three of the four producers did their part; who is killed may have taken an item that it has not counted
    assert!(put >= 150_000 && taken - once <= 2, "{put} {once}");
}

#[test]
fn bounded_buffer_whose_consumers_are_all_killed_ends() {
    let _watchdog = watchdog();
    let mut buffer = Running::start("bounded_buffer", &["2", "2", "200000"]);
    for name in ["consumer 1", "consumer 2"] {
        buffer.kill(name);
    }
    let output = buffer.end();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let [items, put, taken, once, more] = numbers(&text(&output.stdout))[..] else { panic!("five numbers") };
    assert!(put < items && put - taken <= 8 && taken - once <= 2, "{put} {taken} {once}");
    assert_eq!(more, 0);
}

type Cells = Vec<Vec<bool>>;

fn picture(cells: &Cells) -> String {
    let line = |row: &Vec<bool>| row.iter().map(|cell| if *cell { 'O' } else { '.' }).collect::<String>() + "\n";
    cells.iter().map(line).collect()
}

/// One generation of life, by its rules alone.
fn after(cells: &Cells) -> Cells {
    let (height, width) = (cells.len(), cells[0].len());
    let next = |y: usize, x: usize| {
        let near = |at: usize, len: usize| [(at + len - 1) % len, at, (at + 1) % len];
        let living = near(y, height).iter().flat_map(|y| near(x, width).map(|x| cells[*y][x])).filter(|c| *c).count();
        living == 3 || (living == 4 && cells[y][x])
    };
    (0..height).map(|y| (0..width).map(|x| next(y, x)).collect()).collect()
}

/// What `life` prints, without its last line, and that line.
fn life(arguments: &[&str]) -> (String, String) {
    let output = run(example("life"), arguments);
    assert_eq!(text(&output.stderr), "");
    assert!(output.status.success());
    let out = text(&output.stdout);
    let (cells, last) = out.trim_end().rsplit_once('\n').expect("two lines");
    (format!("{cells}\n"), last.to_owned())
}

#[test]
fn life_is_the_same_with_any_number_of_processes() {
    let _watchdog = watchdog();
    let cell = |y: usize, x: usize| (x * x * 7 + y * y * y * 3 + x * y) % 5 < 2;
    let first: Cells = (0..17).map(|y| (0..23).map(|x| cell(y, x)).collect()).collect();
    let pattern = Scratch::new("random.cells");
    std::fs::write(pattern.path(), picture(&first)).expect("write");
    let mut cells = first;
    for generation in 0..30 {
        let living = cells.iter().flatten().filter(|cell| **cell).count();
        let last = format!("generation {generation}: {living} living cells");
        for processes in ["1", "2", "5", "40"].iter().filter(|_| [0, 1, 4, 29].contains(&generation)) {
            let found = life(&[&generation.to_string(), processes, pattern.path(), "23", "17"]);
            assert_eq!(found, (picture(&cells), last.clone()), "with {processes} processes");
        }
        cells = after(&cells);
    }
}

#[test]
fn life_moves_a_glider_and_turns_a_blinker() {
    let _watchdog = watchdog();
    let pattern = Scratch::new("known.cells");
    let life_of = |cells: &str, generations: &str| {
        std::fs::write(pattern.path(), cells).expect("write");
        life(&[generations, "3", pattern.path(), "6", "6"])
    };
    let glider = "!Name: Glider\n!\n.O\n..O\nOOO\n";
    let moved = "......\n......\n...O..\n....O.\n..OOO.\n......\n";
    assert_eq!(life_of(glider, "4"), (moved.to_owned(), "generation 4: 5 living cells".to_owned()));
    // around the world
    assert_eq!(life_of(glider, "24").0, life_of(glider, "0").0);
    let (lying, standing) = (life_of("***", "0").0, life_of("***", "1").0);
    assert_ne!(lying, standing);
    assert_eq!((life_of("***", "2").0, life_of("***", "3").0), (lying, standing));
}

/// Six gliders fly away, which come back around the world, but past everything else in a world of this size.
#[test]
fn life_of_the_r_pentomino_comes_to_rest_as_it_is_known_to() {
    let _watchdog = watchdog();
    let pattern = Scratch::new("r.cells");
    std::fs::write(pattern.path(), ".OO\nOO\n.O\n").expect("write");
    let (_, last) = life(&["1103", "2", pattern.path(), "300", "200"]);
    assert_eq!(last, "generation 1103: 116 living cells");
}

#[test]
fn life_of_what_is_no_pattern_says_where() {
    let _watchdog = watchdog();
    let pattern = Scratch::new("wrong.cells");
    std::fs::write(pattern.path(), "!\n.O\n.x\n").expect("write");
    let output = run(example("life"), &["1", "1", pattern.path()]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "life: line 3: `x` is neither `.` nor `O`\n");
}

/// What `life` says when a process of it was killed: what the others say, sorted, and why it ended.
fn death(life: Running, name: &str, killed: u32) -> Vec<String> {
    let output = life.end();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
    let err = text(&output.stderr);
    let (others, last) = err.trim_end().rsplit_once('\n').expect("two lines");
    assert!(last.starts_with(&format!("life: {name} (pid {killed}), after generation ")), "{err}");
    // perhaps before it had begun
    assert!(last.contains("signal 9 (SIGKILL)"), "{err}");
    let mut others: Vec<String> = others.lines().map(str::to_owned).collect();
    others.sort();
    others
}

fn assert_broken(others: &[String], names: [&str; 2]) {
    assert_eq!(others.len(), 2, "{others:?}");
    for (line, name) in others.iter().zip(names) {
        assert!(line.starts_with(&format!("{name}: the barrier is broken: ")), "{others:?}");
    }
}

#[test]
fn life_with_a_process_that_is_killed_at_any_time_ends_and_says_which() {
    let _watchdog = watchdog();
    for (name, others) in
        [("band 1", ["band 2", "band 3"]), ("band 2", ["band 1", "band 3"]), ("band 3", ["band 1", "band 2"])]
    {
        let mut life = Running::start("life", &["1000000000", "3"]);
        for name in others {
            life.child(name);
        }
        let killed = life.kill(name);
        assert_broken(&death(life, name, killed), others);
    }
}

#[test]
fn life_with_a_process_that_is_killed_while_it_waits_for_another_ends_and_says_which() {
    let _watchdog = watchdog();
    let mut life = Running::start("life", &["1000000000", "3"]);
    let [late, one, other] = ["band 1", "band 2", "band 3"].map(|name| life.child(name));
    send("-STOP", late);
    until_it_waits(one);
    until_it_waits(other);
    let killed = life.kill("band 2");
    send("-CONT", late);
    assert_broken(&death(life, "band 2", killed), ["band 1", "band 3"]);
}
