fn main() -> carom::Result<()> {
    let total = carom::RawValue::new(0_u64)?;
    let _reference: &u64 = &total;
    Ok(())
}
