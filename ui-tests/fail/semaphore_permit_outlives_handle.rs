fn main() -> carom::Result<()> {
    let permit = {
        let two_at_once = carom::Semaphore::new(2)?;
        two_at_once.acquire()
    };
    drop(permit);
    Ok(())
}
