#![deny(unused_must_use)]

fn main() -> carom::Result<()> {
    let meeting = carom::Barrier::new(1)?;
    meeting.wait();
    Ok(())
}
