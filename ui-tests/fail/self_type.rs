struct Account {
    balance: u64,
}

impl Account {
    #[carom::task]
    fn balance(account: Self) -> u64 {
        account.balance
    }
}

fn main() {}
