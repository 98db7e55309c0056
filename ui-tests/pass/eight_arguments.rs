//! The most arguments that a task can have; they travel in their order.
#![deny(warnings)]
use carom::Process;

#[carom::task]
#[allow(clippy::too_many_arguments)]
fn concat(a: u8, b: i16, c: f32, d: bool, e: char, f: String, g: Vec<u8>, h: Option<(u8, u8)>) -> String {
    let all = format!("{a} {b} {c} {d} {e} {f} {g:?} {h:?}");
    assert_eq!(all, "1 -2 0.5 true x six [7] Some((8, 8))");
    all
}

#[carom::main]
fn main() -> carom::Result<()> {
    concat(1, -2, 0.5, true, 'x', "six".to_owned(), vec![7], Some((8, 8)));
    let process = Process::spawn(concat, (1, -2, 0.5, true, 'x', "six".to_owned(), vec![7], Some((8, 8))))?;
    assert!(process.join()?.success());
    Ok(())
}
