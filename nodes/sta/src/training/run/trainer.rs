//! The loop.

use super::checkpoint::{self, Best, Configuration, State, write_whole};
use super::curves::{self, Row};
use super::optimiser::Moments;
pub use super::optimiser::Rate;
use super::parameters::Parameters;
use crate::training::TrainingError;
use std::path::{Path, PathBuf};

/// What is learnt. Everything it gives must depend on its own settings and what it is asked alone: then a run can be
/// taken up anywhere.
pub trait Task {
    /// Settings and data by name, each on one line: a checkpoint is continued only where all are the same.
    fn configuration(&self) -> Vec<(String, String)>;
    /// Names of the terms of the loss.
    fn loss_names(&self) -> Vec<&'static str>;
    /// The parameters before the first step.
    fn start(&self) -> Parameters;
    /// The weighted terms of the loss at step `step`, from 0, and the slopes of their sum.
    fn slopes(
        &mut self,
        step: usize,
        parameters: &Parameters,
    ) -> Result<(Vec<f32>, Parameters), TrainingError>;
    /// The weighted terms on held-out material; `None` when nothing is held out.
    fn held_out(&mut self, parameters: &Parameters) -> Result<Option<Vec<f32>>, TrainingError>;
    /// What the examples of a step were made from, to be named when the step fails.
    fn material(&self, step: usize) -> String;
    /// Step size relative to the schedule's, and decay, of an array; a step size of 0 freezes it.
    fn rate(&self, parameter: &str) -> Rate;
}

/// When what happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Steps at most.
    pub steps: usize,
    /// Largest step size, reached after the warm-up and then lowered along half a cosine.
    pub learning_rate: f64,
    /// Steps over which the step size grows to its largest.
    pub warm_up_steps: usize,
    /// Step size at the end, as a share of the largest.
    pub final_share: f64,
    /// Norm to which the slopes of a step are limited.
    pub largest_gradient_norm: Option<f64>,
    /// Steps between measurements on held-out material, and between checkpoints.
    pub check_every: usize,
    /// Measurements without a better one after which the run stops and gives the weights of the best one; 0 never stops
    /// early and gives the last weights.
    pub patience: usize,
    /// Share of the newest parameters in their running mean, which is what the run gives.
    pub averaging: f32,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            steps: 3000,
            learning_rate: 2e-3,
            warm_up_steps: 60,
            final_share: 0.02,
            largest_gradient_norm: None,
            check_every: 50,
            patience: 0,
            averaging: 0.02,
        }
    }
}

/// Steps between blends into the running mean.
const AVERAGING_EVERY: usize = 5;

impl Schedule {
    /// The step size of a step, from 0.
    pub fn learning_rate_at(&self, step: usize) -> f64 {
        let warm = ((step + 1) as f64 / self.warm_up_steps.max(1) as f64).min(1.0);
        let progress = step as f64 / self.steps.max(1) as f64;
        let fall = 0.5 * (1.0 + (std::f64::consts::PI * progress).cos());
        self.learning_rate * warm * (self.final_share + (1.0 - self.final_share) * fall)
    }

    /// Share of the newest parameters in the running mean: all of them in the first quarter.
    fn averaging_at(&self, step: usize) -> f32 {
        if step < self.steps / 4 { 1.0 } else { self.averaging }
    }

    fn configuration(&self) -> Configuration {
        let text = |name: &str, value: String| (name.to_owned(), value);
        vec![
            text("steps", self.steps.to_string()),
            text("learning rate", self.learning_rate.to_string()),
            text("warm-up", self.warm_up_steps.to_string()),
            text("final share", self.final_share.to_string()),
            text("largest gradient norm", format!("{:?}", self.largest_gradient_norm)),
            text("steps between checks", self.check_every.to_string()),
            text("patience", self.patience.to_string()),
            text("averaging", self.averaging.to_string()),
        ]
    }
}

/// What is told after every step.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress<'a> {
    /// What the step measured.
    pub row: &'a Row,
    /// Steps at most.
    pub steps: usize,
}

/// Whether a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Take the next step.
    Continue,
    /// Save and stop; a run on the same folder continues.
    Cancel,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// All steps were taken.
    Finished,
    /// Held-out material has not been done better for some time.
    Early,
    /// It was asked to stop.
    Cancelled,
}

/// What a run gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Why it ended.
    pub stop: Stop,
    /// Steps taken, those before resuming included.
    pub steps: usize,
    /// The step at which a checkpoint was taken up; 0 for a fresh run.
    pub resumed_at: usize,
    /// The step whose weights were best on held-out material, and their loss.
    pub best: Option<(usize, f32)>,
    /// The running mean of the parameters: the best on held-out material where the schedule has patience, else the last.
    pub weights: Parameters,
    /// The step of these weights.
    pub weights_step: usize,
    /// The curves as CSV.
    pub curves: String,
}

/// Takes the steps of a task.
pub struct Trainer<T> {
    task: T,
    schedule: Schedule,
    folder: Option<PathBuf>,
    state: State,
    resumed_at: usize,
}

impl<T: Task> Trainer<T> {
    /// A run; where `folder` holds its checkpoint it goes on from there. Without a folder nothing is kept.
    ///
    /// # Errors
    /// When the folder cannot be made or read, or its checkpoints are damaged or belong to another run.
    pub fn new(task: T, schedule: Schedule, folder: Option<&Path>) -> Result<Self, TrainingError> {
        let mut trainer = Self {
            state: State::start(task.start()),
            task,
            schedule,
            folder: folder.map(Path::to_owned),
            resumed_at: 0,
        };
        if let Some(folder) = folder {
            std::fs::create_dir_all(folder).map_err(|error| TrainingError::unsaved(folder, error))?;
            if let Some(state) = checkpoint::load(folder, &trainer.configuration())? {
                trainer.state.check_shapes(&state, folder)?;
                trainer.resumed_at = state.step;
                trainer.state = state;
            }
        }
        Ok(trainer)
    }

    /// The step that comes next, from 0.
    pub fn step(&self) -> usize {
        self.state.step
    }

    /// The weighted terms of parameters on held-out material; `None` when nothing is held out.
    ///
    /// # Errors
    /// When material cannot be read.
    pub fn held_out(&mut self, parameters: &Parameters) -> Result<Option<Vec<f32>>, TrainingError> {
        self.task.held_out(parameters)
    }

    /// Takes steps until the run ends. `observe` is told of every step and may end the run.
    ///
    /// # Errors
    /// When material cannot be read, a loss or a slope is not finite, or a checkpoint cannot be written; the last good
    /// checkpoint stays, and the same call goes on from it.
    pub fn run(
        &mut self,
        observe: &mut dyn FnMut(&Progress<'_>) -> Verdict,
    ) -> Result<Outcome, TrainingError> {
        while self.state.step < self.schedule.steps {
            if self.is_stale() {
                return self.finish(Stop::Early);
            }
            let row = self.take_step()?;
            let due = self.state.step.is_multiple_of(self.schedule.check_every.max(1));
            if due || self.state.step == self.schedule.steps {
                self.save()?;
            }
            if observe(&Progress { row: &row, steps: self.schedule.steps }) == Verdict::Cancel {
                return self.finish(Stop::Cancelled);
            }
        }
        self.finish(if self.is_stale() { Stop::Early } else { Stop::Finished })
    }

    fn is_stale(&self) -> bool {
        self.schedule.patience > 0 && self.state.stale >= self.schedule.patience
    }

    fn take_step(&mut self) -> Result<Row, TrainingError> {
        let step = self.state.step;
        let (losses, mut slopes) = self.task.slopes(step, &self.state.parameters)?;
        self.check_finite(step, &losses, &slopes)?;
        let gradient_norm = slopes.norm();
        if let Some(largest) = self.schedule.largest_gradient_norm.filter(|largest| gradient_norm > *largest)
        {
            let share = (largest / gradient_norm) as f32;
            slopes.0.iter_mut().flat_map(|slopes| &mut slopes.values).for_each(|slope| *slope *= share);
        }
        let learning_rate = self.schedule.learning_rate_at(step);
        let State { parameters, moments, average, .. } = &mut self.state;
        moments.step(step, parameters, &slopes, |name| {
            let rate = self.task.rate(name);
            Rate { learning_rate: learning_rate * rate.learning_rate, ..rate }
        });
        if step.is_multiple_of(AVERAGING_EVERY) {
            average.blend(parameters, self.schedule.averaging_at(step));
        }
        self.state.step += 1;
        let mut row = Row { step: step + 1, learning_rate, gradient_norm, losses, held_out: None };
        if self.state.step.is_multiple_of(self.schedule.check_every.max(1)) {
            row.held_out = self.measure()?;
        }
        self.state.curves.push_str(&curves::line(&row));
        Ok(row)
    }

    fn check_finite(&self, step: usize, losses: &[f32], slopes: &Parameters) -> Result<(), TrainingError> {
        let names = self.task.loss_names();
        let broken = names.iter().zip(losses).find(|(_, loss)| !loss.is_finite());
        let what = match broken {
            Some((name, loss)) => format!("the loss {name} is {loss}"),
            None => match slopes.not_finite() {
                Some(name) => format!("the slope of {name} is not finite"),
                None => return Ok(()),
            },
        };
        let kept = match &self.folder {
            Some(folder) => format!("; the last good checkpoint stays in {}", folder.display()),
            None => String::new(),
        };
        let material = self.task.material(step);
        Err(TrainingError::NotFinite { step: step + 1, what, material, kept })
    }

    /// Measures the running mean on held-out material and remembers it when it is the best so far.
    fn measure(&mut self) -> Result<Option<Vec<f32>>, TrainingError> {
        let terms = self.task.held_out(&self.state.average)?;
        if let Some(terms) = &terms {
            let loss: f32 = terms.iter().sum();
            if self.state.best.as_ref().is_none_or(|best| loss < best.loss) {
                let weights = self.state.average.clone();
                self.state.best = Some(Best { step: self.state.step, loss, weights });
                self.state.stale = 0;
            } else {
                self.state.stale += 1;
            }
        }
        Ok(terms)
    }

    fn finish(&mut self, stop: Stop) -> Result<Outcome, TrainingError> {
        self.save()?;
        let State { best, average, step, .. } = &self.state;
        let chosen = best.as_ref().filter(|_| self.schedule.patience > 0);
        Ok(Outcome {
            stop,
            steps: *step,
            resumed_at: self.resumed_at,
            best: best.as_ref().map(|best| (best.step, best.loss)),
            weights: chosen.map_or(average, |best| &best.weights).clone(),
            weights_step: chosen.map_or(*step, |best| best.step),
            curves: self.curves(),
        })
    }

    fn curves(&self) -> String {
        curves::header(&self.task.loss_names()) + &self.state.curves
    }

    fn configuration(&self) -> Configuration {
        self.schedule.configuration().into_iter().chain(self.task.configuration()).collect()
    }

    /// Writes the checkpoint and the curves, each whole or not at all.
    fn save(&self) -> Result<(), TrainingError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        checkpoint::save(folder, &self.state, &self.configuration())?;
        write_whole(&folder.join("curves.csv"), self.curves().as_bytes())
    }
}

impl State {
    fn start(parameters: Parameters) -> Self {
        Self {
            step: 0,
            moments: Moments::new(&parameters),
            average: parameters.clone(),
            parameters,
            best: None,
            stale: 0,
            curves: String::new(),
        }
    }

    /// Refuses a state whose arrays are not those of this run.
    fn check_shapes(&self, found: &Self, folder: &Path) -> Result<(), TrainingError> {
        let fail = |what| Err(TrainingError::Checkpoint { path: folder.to_owned(), what });
        for (position, wanted) in self.parameters.0.iter().enumerate() {
            let Some(found) = found.parameters.0.get(position) else {
                return fail(format!("has no {}", wanted.name));
            };
            if found.name != wanted.name || found.shape != wanted.shape {
                let (found, wanted) = ((&found.name, &found.shape), (&wanted.name, &wanted.shape));
                return fail(format!("has {found:?} where this program has {wanted:?}"));
            }
        }
        Ok(())
    }
}
