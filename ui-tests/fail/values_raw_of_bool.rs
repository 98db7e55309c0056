fn main() {
    let _ = carom::RawValue::new(true);
}
