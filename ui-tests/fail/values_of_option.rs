fn main() {
    let _ = carom::Value::new(Some(1_u8));
}
