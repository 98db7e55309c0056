trait Reads<'a> {}

#[carom::shared]
struct View<'a, T: Reads<'a>, const N: usize>
where
    &'a T: Copy,
{
    values: [&'a T; N],
}

impl Reads<'_> for u8 {}

fn fits<T: carom::Shared>() {}

fn main() {
    fits::<View<'static, u8, 4>>();
}
