fn main() -> carom::Result<()> {
    let letter = carom::Value::new('a')?;
    let _guard = letter.lock().unwrap_or_else(|died| died.into_guard());
    Ok(())
}
