//! What the process with a pool does, which may be killed at it: then its workers end.

use carom_step_kill::{Bystander, Fault, Found, Kill, Kind, Operation, Run, adopt, begin, end, see_orphans_end};

use crate::pools::{Journal, answer, meet, note, pool_of};

/// Where the calls are noted that are made.
pub(super) struct Subject {
    journal: Journal,
}

/// The calls that are looked at; then one that is made before, and those by which workers meet.
const CALLS: u32 = 2;
const BEFORE: u32 = CALLS;
const MEETING: u32 = CALLS + 1;

fn arrange() -> Subject {
    adopt();
    Subject { journal: Journal::new(CALLS as usize + 4) }
}

impl Subject {
    fn input(&self, call: u32) -> (i32, u32) {
        (self.journal.fd(), call)
    }

    /// Has a pool, whose workers have done once what is done once.
    fn with_pool(&self, workers: usize, run: impl FnOnce(&carom::Pool)) {
        let pool = pool_of(workers, None).expect("a pool");
        meet(&pool, &self.journal, MEETING).expect("a pool with all its workers");
        let done = pool.apply(note, self.input(BEFORE));
        assert_eq!(done.expect("nobody is killed yet"), answer(BEFORE));
        run(&pool);
    }

    fn survive(self, _kill: &Kill) -> Result<Found, Fault> {
        see_orphans_end()?;
        for call in 0..CALLS {
            let times = self.journal.times(call);
            Kind::Doubled.unless(times < 2, "a call was made twice")?;
        }
        let mut next = Bystander::telling(|| {
            let pool = pool_of(1, None)?;
            let done = pool.apply(note, self.input(BEFORE + 3));
            Kind::Lost.unless(done.is_ok_and(|value| value == answer(BEFORE + 3)), "the next pool does not work")?;
            drop(pool);
            Ok(0)
        });
        next.outcome("the next pool hangs")?;
        drop(next);
        see_orphans_end()?;
        Ok(Found::Nothing)
    }
}

/// Also of one that was killed when nobody looked.
impl Drop for Subject {
    fn drop(&mut self) {
        // whoever looks for a fault has found it before
        let _ = see_orphans_end();
    }
}

pub(super) fn operations() -> [Operation<Subject>; 3] {
    let operation = |name, state, ends, run| Operation {
        object: "Pool",
        name,
        state,
        sleeps: false,
        ends,
        arrange,
        run: Run::Copy(run),
        survive: Subject::survive,
    };
    [
        operation("parent, apply", "one worker", 100, |subject| {
            subject.with_pool(1, |pool| {
                begin();
                let done = pool.apply(note, subject.input(0));
                end();
                assert_eq!(done.expect("nobody is killed"), answer(0));
            });
        }),
        operation("parent, map of 2", "two workers", 60, |subject| {
            subject.with_pool(2, |pool| {
                begin();
                let done = pool.job(note).chunk_size(1).map((0..CALLS).map(|call| subject.input(call)));
                end();
                assert_eq!(done.expect("nobody is killed").len(), CALLS as usize);
            });
        }),
        operation("parent, drop", "one worker", 60, |subject| {
            let pool = pool_of(1, None).expect("a pool");
            let done = pool.apply(note, subject.input(0));
            assert_eq!(done.expect("nobody is killed"), answer(0));
            begin();
            drop(pool);
            end();
        }),
    ]
}
