//! Teaching a generator more: from a grid of recordings, from takes that were kept, or both.

use super::TrainingError;
use super::corpus::GridClip;
use super::coupling::{COUPLED_TERMS, CoupledModel, Demonstration, Grid, LossWeights, Objective, SkinLoss};
use super::run::{Outcome, Progress, Schedule, Trainer, Verdict};
use super::task::{GeneratorTask, SKIN_VERTICES, Sources, Taught};
use crate::generator::Generator;
use crate::generator::weights::Weights;
use burn::tensor::Device;
use esarm_kernels::random::Random;
use esarm_values::Rig;
use std::path::Path;
use std::sync::Arc;

/// What to teach.
#[derive(Clone)]
pub struct Lesson {
    /// The weights to start from.
    pub start: Weights,
    /// Labelled recordings.
    pub clips: Vec<GridClip>,
    /// Motions to imitate.
    pub demonstrations: Vec<Demonstration>,
    /// Speakers that are kept out, to measure on; there must be recordings of each.
    pub held_out_speakers: Vec<String>,
    /// A rig on whose skin faces are compared beside their weights.
    pub rig: Option<Arc<Rig>>,
    /// How much each term of the loss counts.
    pub losses: LossWeights,
    /// Quadruples of a step.
    pub quadruples: usize,
    /// Everything random is drawn from it.
    pub seed: u64,
    /// When what happens.
    pub schedule: Schedule,
}

/// What teaching gave.
pub struct Learned {
    /// The new weights.
    pub weights: Weights,
    /// How the run went.
    pub outcome: Outcome,
    /// Recordings and demonstrations learnt from, of these coupled, and held out.
    pub clips: [usize; 3],
    /// Each term of the loss on held-out speakers, by name: before and after.
    pub held_out: Vec<(&'static str, f32, f32)>,
}

/// A schedule for teaching on: shorter and gentler than training from nothing.
pub fn lesson_schedule() -> Schedule {
    Schedule {
        steps: 200,
        learning_rate: 5e-4,
        warm_up_steps: 10,
        check_every: 20,
        patience: 4,
        averaging: 0.2,
        ..Schedule::default()
    }
}

/// Teaches how the mouth is read and how emotions show by cross-coupling (see [`super::coupling`]). What is heard (the
/// trunk, visemes, closures and silence), what was fitted to recordings, how takes vary and the policy stay as they are.
/// With a `folder` the run can be taken up after any interruption.
///
/// # Errors
/// When there is nothing to learn from, a held-out speaker is not in the corpus, or the run fails.
pub fn fine_tune(
    lesson: Lesson,
    folder: Option<&Path>,
    observe: &mut dyn FnMut(&Progress<'_>) -> Verdict,
) -> Result<Learned, TrainingError> {
    let heard = Generator::new(lesson.start.clone(), &Device::flex())?;
    let speakers: std::collections::BTreeSet<&str> =
        lesson.clips.iter().map(|clip| clip.speaker.as_str()).collect();
    if let Some(missing) =
        lesson.held_out_speakers.iter().find(|speaker| !speakers.contains(speaker.as_str()))
    {
        let known: Vec<&str> = speakers.into_iter().collect();
        return Err(TrainingError::Corpus(format!(
            "there is no speaker {missing:?} to hold out; there are {}",
            known.join(", ")
        )));
    }
    let (kept_out, learnt): (Vec<_>, Vec<_>) =
        lesson.clips.into_iter().partition(|clip| lesson.held_out_speakers.contains(&clip.speaker));
    let grid = Grid::new(learnt, lesson.demonstrations, &heard)?;
    let held_out = if kept_out.is_empty() { None } else { Some(Grid::new(kept_out, Vec::new(), &heard)?) };
    let clips = [grid.len(), grid.coupled_count(), held_out.as_ref().map_or(0, Grid::len)];
    let start = CoupledModel::parameters_of(&lesson.start.content, &lesson.start.expression);
    let sources = Sources { speech: None, grid: Some((grid, lesson.quadruples)), held_out };
    let rig = lesson.rig.as_deref();
    let task = GeneratorTask::new(sources, start.clone(), Taught::Readings, lesson.losses, rig, lesson.seed)?;
    let mut trainer = Trainer::new(task, lesson.schedule, folder)?;
    let outcome = trainer.run(observe)?;
    let measured =
        [trainer.held_out(&start)?, trainer.held_out(&outcome.weights)?].map(Option::unwrap_or_default);
    let [before, after] = measured;
    let terms = COUPLED_TERMS.into_iter().zip(before).zip(after);
    let (content, expression) = CoupledModel::layers_of(&outcome.weights);
    Ok(Learned {
        weights: Weights { content, expression, ..lesson.start },
        outcome,
        clips,
        held_out: terms.map(|((name, before), after)| (name, before, after)).collect(),
    })
}

/// How far a generator's coupled faces are from what they should be (see [`super::coupling`]), each a mean over frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CoupledErrors {
    /// Squared error of the clip's own face, summed over the 52 shapes.
    pub own: f32,
    /// The same with the emotion or the content of another clip.
    pub cross: f32,
    /// The same of differences of neighbouring frames.
    pub velocity: f32,
    /// Mean square distance on the rig's skin in mm²; 0 without a rig.
    pub skin_square_mm: f32,
}

/// Measures weights on labelled recordings: quadruples drawn from `seed`, always the same for the same recordings.
///
/// # Errors
/// When there are no recordings or the rig has no ARKit shapes.
pub fn coupled_errors(
    weights: &Weights,
    clips: Vec<GridClip>,
    rig: Option<&Rig>,
    seed: u64,
) -> Result<CoupledErrors, TrainingError> {
    const QUADRUPLES: usize = 60;
    let device = Device::flex();
    let grid = Grid::new(clips, Vec::new(), &Generator::new(weights.clone(), &device)?)?;
    let start = CoupledModel::parameters_of(&weights.content, &weights.expression);
    let model = CoupledModel::new(&start, &device);
    let skin = rig.map(|rig| SkinLoss::new(rig, SKIN_VERTICES, &device)).transpose()?;
    let ones = LossWeights { own: 1.0, cross: 1.0, velocity: 1.0, classes: 1.0, vertex: 1.0 };
    let objective = Objective::new(ones, skin, false, &device);
    let mut sums = [0.0; COUPLED_TERMS.len()];
    for draw in 0..QUADRUPLES {
        let batch = grid.batch(1, Random::new(seed, 0xE7).split(draw as u64))?;
        for (sum, term) in sums.iter_mut().zip(objective.terms(&model, batch)?) {
            *sum += term.into_scalar::<f32>() / QUADRUPLES as f32;
        }
    }
    let [own, cross, velocity, _, skin_square_mm] = sums;
    Ok(CoupledErrors { own, cross, velocity, skin_square_mm })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::EMBEDDED_WEIGHTS;
    use crate::training::corpus::{read_corpus, tests::small_corpus};
    use crate::training::run::Stop;

    fn lesson(folder: &Path, steps: usize) -> Lesson {
        Lesson {
            start: Weights::from_bytes(EMBEDDED_WEIGHTS).unwrap(),
            clips: read_corpus(folder).unwrap(),
            demonstrations: Vec::new(),
            held_out_speakers: vec!["ben".to_owned()],
            rig: None,
            losses: LossWeights::default(),
            quadruples: 1,
            seed: 3,
            schedule: Schedule { steps, warm_up_steps: 2, check_every: 2, patience: 0, ..lesson_schedule() },
        }
    }

    #[test]
    fn an_interrupted_lesson_gives_the_weights_of_one_that_was_not() {
        let corpus = small_corpus("lesson");
        let checkpoints = corpus.join("checkpoints");
        let straight = fine_tune(lesson(&corpus, 6), None, &mut |_| Verdict::Continue).unwrap();
        assert_eq!((straight.outcome.stop, straight.clips), (Stop::Finished, [4, 4, 2]));
        let mut stop = |progress: &Progress<'_>| {
            if progress.row.step == 3 { Verdict::Cancel } else { Verdict::Continue }
        };
        let first = fine_tune(lesson(&corpus, 6), Some(&checkpoints), &mut stop).unwrap();
        assert_eq!((first.outcome.stop, first.outcome.steps), (Stop::Cancelled, 3));
        let resumed = fine_tune(lesson(&corpus, 6), Some(&checkpoints), &mut |_| Verdict::Continue).unwrap();
        assert_eq!(resumed.outcome.resumed_at, 3);
        assert!(resumed.weights == straight.weights, "the weights differ");
        assert_eq!(resumed.outcome.curves, straight.outcome.curves);
        let other = Lesson { seed: 4, ..lesson(&corpus, 6) };
        let told = fine_tune(other, Some(&checkpoints), &mut |_| Verdict::Continue).map(|_| ()).unwrap_err();
        assert!(told.to_string().contains("its seed was 3 and is now 4"), "{told}");
        std::fs::remove_dir_all(corpus).unwrap();
    }

    #[test]
    fn a_lesson_changes_the_readings_and_leaves_what_is_heard() {
        let corpus = small_corpus("readings");
        let before = lesson(&corpus, 8);
        let learned = fine_tune(before.clone(), None, &mut |_| Verdict::Continue).unwrap();
        assert_eq!(learned.held_out.len(), 5);
        let learned = learned.weights;
        let readout = before.start.content.len() - 2;
        for (index, (before, after)) in before.start.content.iter().zip(&learned.content).enumerate() {
            assert_eq!(before == after, index != readout, "layer {index}");
        }
        let errors = |weights: &Weights| coupled_errors(weights, before.clips.clone(), None, 1).unwrap();
        let (start, end) = (errors(&before.start), errors(&learned));
        assert!(end.own < start.own && end.cross < start.cross, "{start:?} {end:?}");
        assert!(before.start.expression != learned.expression);
        assert_eq!((before.start.noise, before.start.policy), (learned.noise, learned.policy));
        std::fs::remove_dir_all(corpus).unwrap();
    }

    #[test]
    fn an_unknown_speaker_is_named() {
        let corpus = small_corpus("speaker");
        let unknown = Lesson { held_out_speakers: vec!["zoe".to_owned()], ..lesson(&corpus, 2) };
        let told = fine_tune(unknown, None, &mut |_| Verdict::Continue).map(|_| ()).unwrap_err().to_string();
        assert!(told.contains("zoe") && told.contains("anna, ben"), "{told}");
        std::fs::remove_dir_all(corpus).unwrap();
    }
}
