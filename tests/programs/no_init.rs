//! A `main` that forgot `#[carom::main]`: nothing is started, and the error says what to write.
#[carom::task]
fn nothing() {}

fn main() -> carom::Result<()> {
    carom::Process::spawn(nothing, ())?.join()?.exit_ok()?;
    Ok(())
}
