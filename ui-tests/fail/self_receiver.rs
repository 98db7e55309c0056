struct Account {
    balance: u64,
}

impl Account {
    #[carom::task]
    fn deposit(&mut self, amount: u64) {
        self.balance += amount;
    }
}

fn main() {}
