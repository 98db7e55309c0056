//! One of each thing that processes wait for, and each way to wait for one that unwinds.
use carom::{
    Array, Barrier, BoundedSemaphore, Condition, Event, Guard, Lock, LockGuard, OwnerDied, Permit, RLock, RLockGuard,
    Semaphore, Value,
};
use serde::{Deserialize, Serialize};

use crate::stage::HOUR;

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Things {
    pub(crate) lock: Lock,
    pub(crate) rlock: RLock,
    pub(crate) value: Value<u32>,
    pub(crate) array: Array<u32>,
    pub(crate) semaphore: Semaphore,
    pub(crate) bounded: BoundedSemaphore,
    pub(crate) event: Event,
    pub(crate) barrier: Barrier,
    pub(crate) condition: Condition,
    /// What the condition is about: whether this is 1.
    pub(crate) count: Value<u32>,
    pub(crate) count_lock: Lock,
    pub(crate) count_rlock: RLock,
}

/// Somebody else has them.
#[allow(dead_code, reason = "they are kept, and dropped")]
pub(crate) struct Held<'a>(LockGuard<'a>, RLockGuard<'a>, Guard<'a, u32>, Guard<'a, [u32]>, Permit<'a>, Permit<'a>);

impl Things {
    /// Nobody has to wait for them.
    pub(crate) fn free() -> carom::Result<Self> {
        let things = Self { barrier: Barrier::new(1)?, count: Value::new(1)?, ..Self::to_be_held()? };
        things.event.set();
        Ok(things)
    }

    /// All who come have to wait, when they are [held](Self::hold).
    pub(crate) fn to_be_held() -> carom::Result<Self> {
        Ok(Self {
            lock: Lock::new()?,
            rlock: RLock::new()?,
            value: Value::new(0)?,
            array: Array::zeroed(2)?,
            semaphore: Semaphore::new(1)?,
            bounded: BoundedSemaphore::new(1)?,
            event: Event::new()?,
            barrier: Barrier::new(2)?,
            condition: Condition::new()?,
            count: Value::new(0)?,
            count_lock: Lock::new()?,
            count_rlock: RLock::new()?,
        })
    }

    pub(crate) fn hold(&self) -> carom::Result<Held<'_>> {
        let Self { lock, rlock, value, array, semaphore, bounded, .. } = self;
        let (one, other) = (semaphore.acquire(), bounded.acquire());
        Ok(Held(lock.lock()?, rlock.lock()?, value.lock()?, array.lock()?, one, other))
    }

    /// Fails, or hangs, if anything is not as if nobody had waited.
    #[track_caller]
    pub(crate) fn can_be_used(&self) {
        drop(self.hold().expect("nobody has left them half-changed"));
        assert_eq!((self.semaphore.available(), self.bounded.available()), (1, 1));
        assert!(self.semaphore.holders().is_empty() && self.bounded.holders().is_empty());
        self.event.set();
        self.event.wait();
        self.barrier.reset();
        std::thread::scope(|scope| {
            let other = scope.spawn(|| self.barrier.wait());
            self.barrier.wait().expect("whole");
            other.join().expect("no panic").expect("whole");
        });
        assert!(self.condition.waiting().is_empty());
        std::thread::scope(|scope| {
            let guard = accepted(self.count.lock());
            let other = scope.spawn(|| {
                *accepted(self.count.lock()) = 1;
                self.condition.notify(1);
            });
            let guard = self.condition.wait_for(guard, |count| **count == 1).expect("whole");
            drop(guard);
            other.join().expect("no panic");
        });
    }
}

/// A guard, also of what is marked.
#[track_caller]
pub(crate) fn accepted<G: carom::Accept>(locked: Result<G, OwnerDied<G>>) -> G {
    locked.unwrap_or_else(OwnerDied::into_guard)
}

/// Each way to wait for one of them that has no room for an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Call {
    Lock,
    LockTimeout,
    RLock,
    RLockTimeout,
    Value,
    ValueTimeout,
    ValueSet,
    Array,
    ArrayTimeout,
    Semaphore,
    SemaphoreTimeout,
    Bounded,
    BoundedTimeout,
    Event,
    EventTimeout,
    Barrier,
    BarrierTimeout,
    BarrierWith,
    ConditionFor,
    ConditionForTimeout,
    Condition,
    ConditionTimeout,
    ConditionOfLock,
    ConditionOfRLock,
}

impl Call {
    /// Those that can find that they need not wait.
    pub(crate) const FREE: [Self; 20] = [
        Self::Lock,
        Self::LockTimeout,
        Self::RLock,
        Self::RLockTimeout,
        Self::Value,
        Self::ValueTimeout,
        Self::ValueSet,
        Self::Array,
        Self::ArrayTimeout,
        Self::Semaphore,
        Self::SemaphoreTimeout,
        Self::Bounded,
        Self::BoundedTimeout,
        Self::Event,
        Self::EventTimeout,
        Self::Barrier,
        Self::BarrierTimeout,
        Self::BarrierWith,
        Self::ConditionFor,
        Self::ConditionForTimeout,
    ];

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let rest = [Self::Condition, Self::ConditionTimeout, Self::ConditionOfLock, Self::ConditionOfRLock];
        Self::FREE.into_iter().chain(rest)
    }

    /// Waits; nothing else is to end it than a limit.
    pub(crate) fn wait(self, things: &Things) -> carom::Result<()> {
        let Things { lock, rlock, value, array, semaphore, bounded, event, barrier, condition, count, .. } = things;
        let ready = |count: &mut Guard<'_, u32>| **count == 1;
        match self {
            Self::Lock => drop(lock.lock()?),
            Self::LockTimeout => drop(lock.lock_timeout(HOUR)?),
            Self::RLock => drop(rlock.lock()?),
            Self::RLockTimeout => drop(rlock.lock_timeout(HOUR)?),
            Self::Value => drop(value.lock()?),
            Self::ValueTimeout => drop(value.lock_timeout(HOUR)?),
            Self::ValueSet => value.set(7)?,
            Self::Array => drop(array.lock()?),
            Self::ArrayTimeout => drop(array.lock_timeout(HOUR)?),
            Self::Semaphore => drop(semaphore.acquire()),
            Self::SemaphoreTimeout => drop(semaphore.acquire_timeout(HOUR).expect("a permit")),
            Self::Bounded => drop(bounded.acquire()),
            Self::BoundedTimeout => drop(bounded.acquire_timeout(HOUR).expect("a permit")),
            Self::Event => event.wait(),
            Self::EventTimeout => assert!(event.wait_timeout(HOUR)),
            Self::Barrier | Self::BarrierTimeout | Self::BarrierWith => {
                // one that was broken before is not waited for
                barrier.reset();
                match self {
                    Self::Barrier => barrier.wait()?,
                    Self::BarrierTimeout => barrier.wait_timeout(HOUR)?,
                    _ => barrier.wait_with(|| {})?,
                };
            }
            Self::ConditionFor => drop(condition.wait_for(accepted(count.lock()), ready)?),
            Self::ConditionForTimeout => drop(condition.wait_for_timeout(accepted(count.lock()), HOUR, ready)?),
            Self::Condition => drop(condition.wait(accepted(count.lock()))?),
            Self::ConditionTimeout => drop(condition.wait_timeout(accepted(count.lock()), HOUR)?),
            Self::ConditionOfLock => drop(condition.wait(accepted(things.count_lock.lock()))?),
            Self::ConditionOfRLock => drop(condition.wait(accepted(things.count_rlock.lock()))?),
        }
        Ok(())
    }
}
