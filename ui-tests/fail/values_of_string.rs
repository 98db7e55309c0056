fn main() {
    let _name = carom::Value::new(String::from("name"));
}
