//! The generator as a [`Task`]: what each step is taught from, and what that costs.

use super::TrainingError;
use super::content::{CONTENT_TERMS, content_losses};
use super::coupling::{COUPLED_TERMS, CoupledBatch, CoupledModel, Grid, LossWeights, Objective, SkinLoss};
use super::dataset::{Batch, Sampler};
use super::run::{Parameters, Rate, Task};
use burn::tensor::{Device, Tensor};
use esarm_kernels::random::Random;
use esarm_values::Rig;

/// Vertices of a rig on which faces are compared.
pub(super) const SKIN_VERTICES: usize = 300;
/// Batches of held-out quadruples that a measurement takes.
const HELD_OUT_BATCHES: u64 = 3;

/// What may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taught {
    /// Everything but the correction of the recorded mouth, which is fitted afterwards.
    Everything,
    /// How the mouth is read from the trunk, and how emotions show: what was heard and what was fitted to recordings
    /// stay valid.
    Readings,
}

/// Where examples come from, and how many a step takes.
pub(super) struct Sources {
    /// Recorded animation, labelled recordings and synthesised speech, by example.
    pub(super) speech: Option<(Sampler<3>, [usize; 3])>,
    /// Quadruples to learn from, and how many a step takes.
    pub(super) grid: Option<(Grid, usize)>,
    /// Quadruples of held-out speakers.
    pub(super) held_out: Option<Grid>,
}

/// The generator's training.
pub(super) struct GeneratorTask {
    sources: Sources,
    start: Parameters,
    taught: Taught,
    weights: LossWeights,
    seed: u64,
    device: Device,
    objective: Objective,
    /// The objective without slopes.
    judge: Objective,
    /// What the next step learns from, made while the last one was computed.
    ready: Option<(usize, Examples)>,
}

/// The examples of a step.
struct Examples {
    speech: Option<Batch>,
    coupled: Option<CoupledBatch>,
}

impl Sources {
    /// The examples of a step: they depend on the seed and the step alone.
    fn examples(&self, seed: u64, step: usize) -> Result<Examples, TrainingError> {
        let speech = self
            .speech
            .as_ref()
            .map(|(sampler, counts)| sampler.batch(*counts, Random::new(seed, 0xBA).split(step as u64)));
        let coupled =
            self.grid.as_ref().map(|(grid, quadruples)| grid.batch(*quadruples, coupled_random(seed, step)));
        Ok(Examples { speech: speech.transpose()?, coupled: coupled.transpose()? })
    }
}

fn coupled_random(seed: u64, step: usize) -> Random {
    Random::new(seed, 0xCC).split(step as u64)
}

impl GeneratorTask {
    pub(super) fn new(
        sources: Sources,
        start: Parameters,
        taught: Taught,
        weights: LossWeights,
        rig: Option<&Rig>,
        seed: u64,
    ) -> Result<Self, TrainingError> {
        let device = Device::flex().autodiff();
        let objective = |device: &Device| -> Result<Objective, TrainingError> {
            let skin = rig.map(|rig| SkinLoss::new(rig, SKIN_VERTICES, device)).transpose()?;
            Ok(Objective::new(weights, skin, taught == Taught::Readings, device))
        };
        Ok(Self {
            objective: objective(&device)?,
            judge: objective(&Device::flex())?,
            sources,
            start,
            taught,
            weights,
            seed,
            device,
            ready: None,
        })
    }

    fn terms(&self, model: &CoupledModel, examples: Examples) -> Result<Vec<Tensor<1>>, TrainingError> {
        let mut terms = Vec::new();
        if let Some(batch) = examples.speech {
            terms.extend(content_losses(&model.content, batch, &self.device));
        }
        if let Some(batch) = examples.coupled {
            terms.extend(self.objective.terms(model, batch)?);
        }
        Ok(terms)
    }
}

fn number(tensor: &Tensor<1>) -> f32 {
    tensor.clone().into_scalar::<f32>()
}

impl Task for GeneratorTask {
    fn configuration(&self) -> Vec<(String, String)> {
        let LossWeights { own, cross, velocity, classes, vertex } = self.weights;
        let skin = if self.objective.has_skin() { vertex } else { 0.0 };
        let grid = |grid: Option<&Grid>| grid.map_or("none".to_owned(), |grid| grid.digest().to_string());
        let speech = self.sources.speech.as_ref();
        let entries = [
            ("seed", self.seed.to_string()),
            ("taught", format!("{:?}", self.taught)),
            (
                "loss weights",
                format!("self {own}, cross {cross}, velocity {velocity}, classes {classes}, vertex {skin}"),
            ),
            (
                "speech",
                speech.map_or("none".to_owned(), |(sampler, counts)| {
                    format!("{} by {counts:?}", sampler.digest())
                }),
            ),
            ("quadruples", self.sources.grid.as_ref().map_or(0, |(_, quadruples)| *quadruples).to_string()),
            ("grid", grid(self.sources.grid.as_ref().map(|(grid, _)| grid))),
            ("held-out grid", grid(self.sources.held_out.as_ref())),
            ("start", start_digest(&self.start)),
        ];
        entries.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    fn loss_names(&self) -> Vec<&'static str> {
        let speech = self.sources.speech.as_ref().map_or(&[][..], |_| &CONTENT_TERMS);
        let coupled = self.sources.grid.as_ref().map_or(&[][..], |_| &COUPLED_TERMS);
        speech.iter().chain(coupled).copied().collect()
    }

    fn start(&self) -> Parameters {
        self.start.clone()
    }

    fn slopes(
        &mut self,
        step: usize,
        parameters: &Parameters,
    ) -> Result<(Vec<f32>, Parameters), TrainingError> {
        let examples = match self.ready.take() {
            Some((ready, examples)) if ready == step => examples,
            _ => self.sources.examples(self.seed, step)?,
        };
        let (sources, seed) = (&self.sources, self.seed);
        let (result, next) = std::thread::scope(|scope| {
            let next = scope.spawn(move || sources.examples(seed, step + 1));
            let learn = || -> Result<_, TrainingError> {
                let model = CoupledModel::new(parameters, &self.device);
                let terms = self.terms(&model, examples)?;
                let losses: Vec<f32> = terms.iter().map(number).collect();
                let sum = terms.into_iter().reduce(|sum, term| sum + term);
                let slopes = match sum {
                    Some(sum) => model.slopes(&sum.backward()),
                    None => parameters.zeros_like(),
                };
                Ok((losses, slopes))
            };
            (learn(), next.join())
        });
        // What went wrong with the next step's examples is told when that step comes.
        self.ready = next.ok().and_then(Result::ok).map(|examples| (step + 1, examples));
        result
    }

    fn held_out(&mut self, parameters: &Parameters) -> Result<Option<Vec<f32>>, TrainingError> {
        let (Some(grid), Some((_, quadruples))) = (&self.sources.held_out, &self.sources.grid) else {
            return Ok(None);
        };
        let model = CoupledModel::new(parameters, &Device::flex());
        // The terms of single clips are not measured: they come first and stay 0.
        let mut sums = vec![0.0; self.loss_names().len()];
        let first = sums.len() - COUPLED_TERMS.len();
        for draw in 0..HELD_OUT_BATCHES {
            let batch = grid.batch(*quadruples, Random::new(self.seed, 0x8E1D).split(draw))?;
            for (sum, term) in sums[first..].iter_mut().zip(self.judge.terms(&model, batch)?) {
                *sum += number(&term) / HELD_OUT_BATCHES as f32;
            }
        }
        Ok(Some(sums))
    }

    fn material(&self, step: usize) -> String {
        match &self.sources.grid {
            Some((grid, quadruples)) => grid.names(*quadruples, coupled_random(self.seed, step)).join(", "),
            None => "the examples of this step".to_owned(),
        }
    }

    fn rate(&self, parameter: &str) -> Rate {
        let rate = |learning_rate: f64, decay: f64| Rate { learning_rate, decay };
        match (self.taught, parameter) {
            (_, name) if name.starts_with("content.correction") => rate(0.0, 0.0),
            (_, name) if name.starts_with("expression.") => rate(0.5, 0.0),
            (_, name) if name.starts_with("classifier.") => rate(1.0, 0.0),
            (Taught::Everything, _) => rate(1.0, 0.01),
            (Taught::Readings, name) if name.starts_with("content.readout") => rate(1.0, 0.0),
            (Taught::Readings, _) => rate(0.0, 0.0),
        }
    }
}

fn start_digest(start: &Parameters) -> String {
    let mut hasher = esarm_values::Hasher::new();
    for parameter in &start.0 {
        hasher.text(&parameter.name).floats(&parameter.values);
    }
    hasher.finish().to_string()
}
