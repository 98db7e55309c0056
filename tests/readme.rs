//! The README's commands do what stands under them. (Its Rust is compiled as documentation tests.)

mod common;

use common::{example, run, text, watchdog};

/// A command of the README, and the lines that it says it prints.
struct Command<'a> {
    line: &'a str,
    output: Vec<&'a str>,
}

fn commands(document: &str) -> Vec<Command<'_>> {
    let mut all: Vec<Command<'_>> = Vec::new();
    for block in document.split("```console\n").skip(1) {
        for line in block.split("```").next().unwrap_or_default().lines() {
            match line.strip_prefix("$ ") {
                Some(line) => all.push(Command { line, output: Vec::new() }),
                None => all.last_mut().expect("output follows a command").output.push(line),
            }
        }
    }
    all
}

/// Process ids are never the same.
fn without_numbers_of_processes(line: &str) -> String {
    match (line.find("(pid "), line.find("), child")) {
        (Some(start), Some(end)) => format!("{}(pid N{}", &line[..start], &line[end..]),
        _ => line.replace(", core dumped", ""),
    }
}

#[test]
fn every_command_of_the_readme_does_what_it_says() {
    let _watchdog = watchdog();
    let ci = include_str!("../.ci/run");
    let commands = commands(include_str!("../README.md"));
    assert!(commands.len() >= 3);
    for Command { line, output } in commands {
        let line = &line.replace(" --release", "");
        if let Some(call) = line.strip_prefix("cargo run -q --example ") {
            let mut words = call.split_whitespace().take_while(|word| !word.starts_with("2>"));
            let name = words.next().expect("a name");
            let arguments: Vec<&str> = words.filter(|word| *word != "--").collect();
            let printed = text(&run(example(name), &arguments).stdout);
            let printed: Vec<String> = printed.lines().map(without_numbers_of_processes).collect();
            let promised: Vec<String> = output.into_iter().map(without_numbers_of_processes).collect();
            assert_eq!(printed, promised, "{line}");
        } else {
            // the command that runs this test cannot be run by it; CI runs it
            assert!(ci.contains(line) && output.is_empty(), "nothing tests `{line}`");
        }
    }
}
