#[carom::task]
fn double(values: &mut Vec<u64>) {
    values.iter_mut().for_each(|value| *value *= 2);
}

fn main() {}
