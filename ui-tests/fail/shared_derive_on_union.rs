#[derive(Clone, Copy, carom::Shared)]
#[repr(C)]
union Number {
    whole: u64,
    real: f64,
}

fn main() {}
