//! Parties that meet again and again, of which some die before, while and after they wait.

use carom::Barrier;
use carom_step_kill::{Bystander, Fault, Kind, Part, Role, Scene};

const PARTIES: u32 = 3;

/// How long a party is away at most, in microseconds.
const AWAY: u64 = 100;

fn meet(barrier: &Barrier, part: &mut Part) {
    // a party that is killed before it comes is started again, so there is always one more to come
    if barrier.wait().is_err() {
        part.recover(|part| {
            part.work(AWAY);
            // another one may have done so before
            if barrier.is_broken() {
                barrier.reset();
            }
        });
    }
    part.rest(AWAY);
}

/// When nobody is left.
fn check(barrier: &Barrier) -> Result<(), Fault> {
    barrier.reset();
    let party = |_| Bystander::start(|| u8::from(barrier.wait().is_err()));
    let mut parties: Vec<_> = (0..PARTIES).map(party).collect();
    for party in &mut parties {
        let broken = party.outcome("nobody is left, and new parties do not meet")?;
        Kind::Lost.unless(broken == 0, "nobody is left, and new parties find it broken")?;
    }
    Ok(())
}

pub(super) fn scene() -> Scene {
    let barrier = Barrier::new(PARTIES).expect("memory");
    let party = barrier.clone();
    let round = move |part: &mut Part| {
        meet(&party, part);
        Ok(())
    };
    Scene {
        name: "Barrier",
        roles: vec![Role { name: "wait", players: PARTIES as usize, round: Box::new(round) }],
        check: Box::new(move || check(&barrier)),
    }
}
