fn main() -> carom::Result<()> {
    let lock = carom::RLock::new()?;
    let guard = lock.lock()?;
    std::thread::scope(|scope| {
        scope.spawn(move || drop(guard));
    });
    Ok(())
}
