//! A policy small enough to reason about: each frame's two actions are normally distributed around a linear function of
//! its three inputs. A line is inputs and a target that the actions should hit.

use crate::RlError;
use crate::policy::{ActionDistribution, Judge, Judgement, Policy, Proxy, Rows, Sampling};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use esarm_kernels::random::Random;
use std::f64::consts::TAU;

const INPUTS: usize = 3;
const LATENTS: usize = 2;

#[derive(Module, Debug)]
pub(crate) struct ToyNetwork {
    pub(crate) shift: Param<Tensor<2>>,
    pub(crate) log_sigma: Param<Tensor<1>>,
}

impl ToyNetwork {
    pub(crate) fn zeros(device: &Device) -> Self {
        let shift = TensorData::new(vec![0.0_f32; INPUTS * LATENTS], [INPUTS, LATENTS]);
        let log_sigma = TensorData::new(vec![-0.5_f32; LATENTS], [LATENTS]);
        Self { shift: Param::from_data(shift, device), log_sigma: Param::from_data(log_sigma, device) }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct ToyPolicy {
    network: ToyNetwork,
    device: Device,
    /// Latent 1 is locked.
    pub(crate) locked: bool,
}

pub(crate) struct ToyLine {
    pub(crate) name: String,
    inputs: Rows,
    target: Rows,
}

pub(crate) struct ToyDistribution {
    mean: Tensor<3>,
    log_sigma: Tensor<3>,
}

impl ToyPolicy {
    pub(crate) fn new() -> Self {
        let device = Device::flex().autodiff();
        Self { network: ToyNetwork::zeros(&device), device, locked: false }
    }
}

pub(crate) fn lines(count: usize, first: u64) -> Vec<ToyLine> {
    let line = |number: u64| {
        let random = Random::new(77, number);
        let frames = 12 + number as usize % 3;
        let inputs: Vec<f32> = (0..frames * INPUTS).map(|n| random.normal(n as u64)).collect();
        let target = inputs.chunks_exact(INPUTS).flat_map(|it| [0.8 * it[0] - 0.4, 0.5 * it[1] + 0.3]);
        ToyLine {
            name: format!("line {number}"),
            target: Rows { values: target.collect(), columns: LATENTS },
            inputs: Rows { values: inputs, columns: INPUTS },
        }
    };
    (first..first + count as u64).map(line).collect()
}

impl Policy for ToyPolicy {
    type Network = ToyNetwork;
    type Line = ToyLine;
    type Distribution = ToyDistribution;

    fn network(&self) -> &ToyNetwork {
        &self.network
    }

    fn with_network(&self, network: ToyNetwork) -> Self {
        Self { network, ..self.clone() }
    }

    fn device(&self) -> &Device {
        &self.device
    }

    fn latent_count(&self) -> usize {
        LATENTS
    }

    fn line_name<'a>(&self, line: &'a ToyLine) -> &'a str {
        &line.name
    }

    fn action_frames(&self, line: &ToyLine) -> usize {
        line.inputs.frame_count()
    }

    fn states(&self, line: &ToyLine) -> Rows {
        line.inputs.clone()
    }

    fn sample(&self, line: &ToyLine, seeds: &[u64], sampling: Sampling) -> Result<Vec<Vec<f32>>, RlError> {
        let distribution = self.distribution(line)?;
        let mean: Vec<f32> = distribution.mean.into_data().iter::<f32>().collect();
        let sigma: Vec<f32> = distribution.log_sigma.exp().into_data().iter::<f32>().collect();
        let locked = |n: usize| self.locked && sampling == Sampling::Exploring && n % LATENTS == 1;
        let draw = |seed: &u64| {
            let random = Random::new(*seed, 1);
            let action = |(n, mean): (usize, &f32)| {
                let noise = if locked(n) { 0.0 } else { random.normal(n as u64) };
                mean + sigma[n % LATENTS] * noise
            };
            mean.iter().enumerate().map(action).collect()
        };
        Ok(seeds.iter().map(draw).collect())
    }

    fn distribution(&self, line: &ToyLine) -> Result<ToyDistribution, RlError> {
        let frames = line.inputs.frame_count();
        let inputs = TensorData::new(line.inputs.values.clone(), [frames, INPUTS]);
        let mean = Tensor::<2>::from_data(inputs, &self.device).matmul(self.network.shift.val());
        let log_sigma = self.network.log_sigma.val().reshape([1, 1, LATENTS]);
        Ok(ToyDistribution { mean: mean.unsqueeze(), log_sigma })
    }

    fn motion(&self, _line: &ToyLine, actions: &[f32]) -> Result<Rows, RlError> {
        Ok(Rows { values: actions.to_vec(), columns: LATENTS })
    }

    fn frozen(&self) -> Vec<bool> {
        let one = |n: usize| self.locked && n % LATENTS == 1;
        (0..INPUTS * LATENTS).map(one).chain((0..LATENTS).map(one)).collect()
    }
}

impl ActionDistribution for ToyDistribution {
    fn log_probability(&self, actions: &Tensor<3>) -> Tensor<2> {
        let standard = (actions.clone() - self.mean.clone()) / self.log_sigma.clone().exp();
        let density = standard.square() * -0.5 - self.log_sigma.clone() - 0.5 * TAU.ln();
        density.sum_dim(2).squeeze_dim(2)
    }

    fn entropy(&self) -> Tensor<1> {
        (self.log_sigma.clone() + 0.5 * (TAU.ln() + 1.0)).sum_dim(2).flatten(0, 2)
    }

    fn divergence_from(&self, reference: &Self, actions: &Tensor<3>) -> Tensor<2> {
        let takes = actions.dims()[0];
        let apart = (self.mean.clone() - reference.mean.clone()) / reference.log_sigma.clone().exp();
        let ratio = ((self.log_sigma.clone() - reference.log_sigma.clone()) * 2.0).exp();
        let each =
            reference.log_sigma.clone() - self.log_sigma.clone() + (apart.square() + ratio) * 0.5 - 0.5;
        each.sum_dim(2).squeeze_dim::<2>(2).repeat_dim(0, takes)
    }
}

/// Minus the squared distance from the target.
fn closeness(line: &ToyLine, motion: &Rows) -> Vec<f32> {
    let distance = |(frame, target): (&[f32], &[f32])| -> f32 {
        frame.iter().zip(target).map(|(a, b)| -(a - b).powi(2)).sum()
    };
    motion.frames().zip(line.target.frames()).map(distance).collect()
}

/// Rewards what is wanted.
pub(crate) struct HonestJudge;

impl Judge<ToyLine> for HonestJudge {
    fn judge(&self, line: &ToyLine, motions: &[Rows]) -> Result<Vec<Judgement>, RlError> {
        let judge = |motion: &Rows| {
            let rewards = closeness(line, motion);
            Judgement { uncertainty: vec![0.0; rewards.len()], rewards }
        };
        Ok(motions.iter().map(judge).collect())
    }
}

/// Can be had cheaply: it likes the target a little, and large products of the first action with the first input
/// without end.
pub(crate) struct ExploitableJudge;

impl Judge<ToyLine> for ExploitableJudge {
    fn judge(&self, line: &ToyLine, motions: &[Rows]) -> Result<Vec<Judgement>, RlError> {
        let judge = |motion: &Rows| {
            let large =
                motion.frames().zip(line.inputs.frames()).map(|(frame, input)| 3.0 * frame[0] * input[0]);
            let close = closeness(line, motion);
            let rewards: Vec<f32> = large.zip(close).map(|(large, close)| large + 0.1 * close).collect();
            Judgement { uncertainty: vec![0.0; rewards.len()], rewards }
        };
        Ok(motions.iter().map(judge).collect())
    }
}

/// Gives no number from the `after`th call on.
pub(crate) struct BrokenJudge {
    pub(crate) after: usize,
    pub(crate) calls: std::cell::Cell<usize>,
    pub(crate) value: f32,
}

impl Judge<ToyLine> for BrokenJudge {
    fn judge(&self, line: &ToyLine, motions: &[Rows]) -> Result<Vec<Judgement>, RlError> {
        self.calls.set(self.calls.get() + 1);
        let mut judgements = HonestJudge.judge(line, motions)?;
        if self.calls.get() > self.after {
            judgements[0].rewards[0] = self.value;
        }
        Ok(judgements)
    }
}

/// The mean closeness to the target.
pub(crate) struct Closeness;

impl Proxy<ToyLine> for Closeness {
    fn name(&self) -> &'static str {
        "closeness"
    }

    fn margin(&self) -> f64 {
        0.2
    }

    fn measure(&self, line: &ToyLine, motions: &[Rows]) -> Result<Vec<Option<f64>>, RlError> {
        let mean = |motion: &Rows| {
            let all = closeness(line, motion);
            Some(f64::from(all.iter().sum::<f32>()) / all.len() as f64)
        };
        Ok(motions.iter().map(mean).collect())
    }
}
