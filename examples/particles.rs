//! Particles in a box, moved by several processes, each of which has a part of them; seen by this one.
//!
//! The particles are an array of a struct of one's own. Each process takes the lock of its part only, so they work at the
//! same time.
//!
//! ```text
//! cargo run --example particles [STEPS]
//! ```
use carom::{Array, Process};

#[carom::shared]
#[derive(Clone, Copy, Debug)]
struct Particle {
    position: [f64; 2],
    velocity: [f64; 2],
    state: State,
}

/// Not every bit pattern is one of these: should a process die in the midst of a change, the bytes are looked at before they
/// are used again.
#[carom::shared]
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Free,
    Bounced { times: u32 },
}

impl Particle {
    /// Moves it for a while; it bounces off the walls of a box from 0 to 1.
    fn step(&mut self, time: f64) {
        for (position, velocity) in self.position.iter_mut().zip(&mut self.velocity) {
            *position += *velocity * time;
            if !(0.0..=1.0).contains(position) {
                *position = position.clamp(0.0, 1.0);
                *velocity = -*velocity;
                let times = if let State::Bounced { times } = self.state { times } else { 0 };
                self.state = State::Bounced { times: times + 1 };
            }
        }
    }

    fn energy(&self) -> f64 {
        self.velocity.iter().map(|velocity| velocity * velocity / 2.0).sum()
    }
}

#[carom::task]
fn simulate(particles: Array<Particle>, steps: u32) {
    for _ in 0..steps {
        let mut particles = particles.lock().expect("nobody dies here");
        particles.iter_mut().for_each(|particle| particle.step(0.001));
    }
}

/// Some particle; the same one for the same index.
fn particle(index: usize) -> Particle {
    let turn = index as f64 * 0.618;
    Particle { position: [turn.fract(), (turn * 7.0).fract()], velocity: [turn.sin(), turn.cos()], state: State::Free }
}

/// A sum over all particles.
fn sum(parts: &[Array<Particle>], number: impl Fn(&Particle) -> f64) -> carom::Result<f64> {
    parts.iter().map(|part| Ok(part.lock()?.iter().map(&number).sum::<f64>())).sum()
}

#[carom::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let steps = std::env::args().nth(1).map_or(Ok(1000), |steps| steps.parse())?;
    let parts = [0, 500].map(|first| Array::from_fn(500, |index| particle(first + index)));
    let parts = parts.into_iter().collect::<Result<Vec<_>, _>>()?;
    let before = sum(&parts, Particle::energy)?;

    let processes = parts.iter().map(|part| Process::spawn(simulate, (part.clone(), steps)));
    for process in processes.collect::<Result<Vec<_>, _>>()? {
        process.join()?.exit_ok()?;
    }

    let bounced = sum(&parts, |particle| if particle.state == State::Free { 0.0 } else { 1.0 })?;
    let after = sum(&parts, Particle::energy)?;
    println!("1000 particles, {steps} steps, {bounced} bounced, energy {before:.3} -> {after:.3}");
    Ok(())
}
