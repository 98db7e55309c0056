//! Who is killed at random moments: users of the objects that processes share. Each file has the roles of one object.

mod barrier;
mod condition;
mod event;
mod rlock;
mod semaphore;
mod value;

use carom_step_kill::Scene;

/// The scenes of these objects, or of all.
pub(crate) fn scenes(objects: &[String]) -> Vec<Scene> {
    let all: [fn() -> Scene; _] =
        [value::scene, rlock::scene, event::scene, semaphore::scene, condition::scene, barrier::scene];
    let scenes = all.into_iter().map(|scene| scene());
    scenes.filter(|scene| objects.is_empty() || objects.iter().any(|wanted| wanted == scene.name)).collect()
}
