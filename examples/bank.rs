//! Accounts between which processes move money, while somebody kills them at any time: no money is lost or made.
//!
//! Whoever dies while it holds the lock leaves the accounts as they happen to be. The next one to take the lock is told so,
//! and repairs them by what was noted before the change began.
//!
//! ```text
//! cargo run --release --example bank [DEATHS]
//! ```
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst, fence};
use std::time::{Duration, Instant};

use carom::{Guard, LockTimeoutError, Process, RawValue, Value};

const ACCOUNTS: usize = 16;
const MONEY: i64 = 1000;

/// Nobody may wait for longer than this.
const LIMIT: Duration = Duration::from_secs(10);

#[carom::shared]
struct Bank {
    accounts: [i64; ACCOUNTS],
    /// The change that is under way.
    change: Change,
    /// 1 as long as there is one. An atomic, and with fences around, because the compiler may otherwise move or leave out
    /// what it takes for seen by nobody, and who dies in between does see it.
    changing: AtomicU32,
}

/// Two accounts as they were.
#[carom::shared]
#[derive(Clone, Copy)]
struct Change {
    accounts: [u32; 2],
    balances: [i64; 2],
}

impl Bank {
    fn new() -> Self {
        let change = Change { accounts: [0; 2], balances: [0; 2] };
        Self { accounts: [MONEY; ACCOUNTS], change, changing: AtomicU32::new(0) }
    }

    fn transfer(&mut self, from: usize, to: usize, amount: i64) {
        let balances = [self.accounts[from], self.accounts[to]];
        self.change = Change { accounts: [from as u32, to as u32], balances };
        self.mark(1);
        self.accounts[from] -= amount;
        // for the example's sake: time to die in
        (0..200).for_each(|_| std::hint::spin_loop());
        fence(SeqCst);
        self.accounts[to] += amount;
        self.mark(0);
    }

    fn mark(&mut self, changing: u32) {
        fence(SeqCst);
        self.changing.store(changing, SeqCst);
        fence(SeqCst);
    }

    /// Undoes a change that was not finished. Who dies in the midst of this leaves it to the next one to do it again.
    fn repair(&mut self) {
        if self.changing.load(SeqCst) == 1 {
            let Change { accounts, balances } = self.change;
            for (account, balance) in accounts.into_iter().zip(balances) {
                self.accounts[account as usize] = balance;
            }
            self.mark(0);
        }
    }

    fn money(&self) -> i64 {
        self.accounts.iter().sum()
    }
}

/// The bank, in order again if it was left in disorder.
fn open<'a>(bank: &'a Value<Bank>, repairs: &AtomicU64) -> Guard<'a, Bank> {
    match bank.lock_timeout(LIMIT) {
        Ok(bank) => bank,
        Err(LockTimeoutError::OwnerDied(died)) => {
            let mut bank = died.into_guard();
            bank.repair();
            repairs.fetch_add(1, Relaxed);
            bank
        }
        Err(LockTimeoutError::Timeout) => panic!("the bank is closed"),
    }
}

/// Moves money for ever.
#[carom::task]
fn work(bank: Value<Bank>, repairs: RawValue<AtomicU64>) {
    for i in 0_usize.. {
        let mut bank = open(&bank, &repairs);
        let (from, to) = (i % ACCOUNTS, i.wrapping_mul(7) % ACCOUNTS);
        if from != to {
            bank.transfer(from, to, (i % 5) as i64);
        }
    }
}

#[carom::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let deaths = std::env::args().nth(1).map_or(Ok(100), |deaths| deaths.parse())?;
    let bank = Value::new(Bank::new())?;
    let repairs = RawValue::new(AtomicU64::new(0))?;
    let clerk = || Process::builder().daemon(true).spawn(work, (bank.clone(), repairs.clone()));

    let mut clerks = [clerk()?, clerk()?, clerk()?];
    let (mut kills, mut longest) = (0, Duration::ZERO);
    while repairs.load(Relaxed) < deaths {
        // kill the one that holds the lock, if it still does when the signal comes
        let Some(victim) = bank.as_lock().owner().and_then(|pid| clerks.iter().position(|clerk| clerk.pid() == pid))
        else {
            continue;
        };
        clerks[victim].kill()?;
        kills += 1;
        let start = Instant::now();
        assert_eq!(open(&bank, &repairs).money(), MONEY * ACCOUNTS as i64, "after {kills} kills");
        longest = longest.max(start.elapsed());
        let dead = std::mem::replace(&mut clerks[victim], clerk()?);
        assert_eq!(dead.join()?.signal(), Some(9));
    }

    let money = open(&bank, &repairs).money();
    println!("{kills} kills, {deaths} of them of one who held the lock; money {money}, should be {}", MONEY * 16);
    eprintln!("the longest wait for the lock was {longest:?}");
    Ok(())
}
