fn main() -> carom::Result<()> {
    let total = carom::Value::new(0_u64)?;
    let guard = total.lock()?;
    std::thread::scope(|scope| {
        scope.spawn(move || drop(guard));
    });
    Ok(())
}
