fn main() -> carom::Result<()> {
    let guard = {
        let total = carom::Value::new(0_u64)?;
        total.lock().map_err(carom::OwnerDied::release)?
    };
    drop(guard);
    Ok(())
}
