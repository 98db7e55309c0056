struct Account {
    balance: u64,
}

impl Account {
    #[carom::task]
    fn open(balance: u64) -> Self {
        Self { balance }
    }
}

fn main() {}
