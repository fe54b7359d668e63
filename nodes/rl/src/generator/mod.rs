//! The generator as a policy that can be tuned: lines are speech with an emotion, judges are rewards, proxies the named
//! terms that say why.

mod judges;
mod lines;

pub use judges::{ClosureProxy, RewardJudge, TermProxy, proxies};
pub(crate) use lines::closures;
pub use lines::{SpeechLine, cut, speech_line};

use crate::RlError;
use crate::parameters::shapes_of;
use crate::policy::{ActionDistribution, Policy, Rows, Sampling};
use burn::tensor::{Device, Tensor};
use esarm_reward::features::REWARD_RATE;
use esarm_sta::generator::channels::{CONTENT_CHANNELS, CONTENT_COUNT, lip_opening};
use esarm_sta::generator::noise::LATENT_COUNT;
use esarm_sta::generator::policy::POLICY_INPUT_COUNT;
use esarm_sta::policy::{ActionDistribution as GeneratorDistribution, Policy as Generator, PolicyNetwork};
use esarm_values::ARKIT_SHAPES;

/// Postures that press the lips together; those that part them are asked of the generator.
const LIPS_CLOSE: [&str; 3] = ["mouthPress", "mouthRollLower", "mouthRollUpper"];

/// A generator's policy with what tuning needs to know beside it.
#[derive(Clone)]
pub struct GeneratorPolicy {
    policy: Generator,
    temperature: f32,
    lip_lock: bool,
}

impl GeneratorPolicy {
    /// Takes are drawn at `temperature`, above 0 and up to 2. With `lip_lock`, latents that part or close the lips
    /// neither explore nor learn: what tuning does elsewhere cannot cost a closure.
    ///
    /// # Errors
    /// When the temperature is out of range.
    pub fn new(policy: Generator, temperature: f32, lip_lock: bool) -> Result<Self, RlError> {
        if temperature > 0.0 && temperature <= 2.0 {
            return Ok(Self { policy, temperature, lip_lock });
        }
        let found = temperature.to_string();
        Err(RlError::Setting { name: "temperature", found, allowed: "above 0, up to 2" })
    }

    /// The policy of a safetensors file of weights, on the processor with gradients.
    ///
    /// # Errors
    /// When the bytes are no weights of a generator, or the temperature is out of range.
    pub fn from_bytes(bytes: &[u8], temperature: f32, lip_lock: bool) -> Result<Self, RlError> {
        Self::new(Generator::from_bytes(bytes, &Device::flex().autodiff())?, temperature, lip_lock)
    }

    /// The weights of the whole generator with this policy, as a safetensors file.
    ///
    /// # Errors
    /// When a weight is no finite number.
    pub fn to_bytes(&self, notes: &[(&str, String)]) -> Result<Vec<u8>, RlError> {
        Ok(self.policy.to_bytes(notes)?)
    }

    /// The generator's own view of the policy.
    pub fn generator(&self) -> &Generator {
        &self.policy
    }
}

/// Whether a latent parts or closes the lips.
pub fn moves_lips(latent: usize) -> bool {
    let Some(name) = CONTENT_CHANNELS.get(latent) else { return false };
    let mut alone = [0.0; CONTENT_COUNT];
    alone[latent] = 1.0;
    lip_opening(&alone) != 0.0 || LIPS_CLOSE.contains(name)
}

/// Names of the columns of motions.
pub fn columns() -> &'static [&'static str] {
    &ARKIT_SHAPES
}

impl Policy for GeneratorPolicy {
    type Network = PolicyNetwork;
    type Line = SpeechLine;
    type Distribution = GeneratorDistribution;

    fn network(&self) -> &PolicyNetwork {
        self.policy.network()
    }

    fn with_network(&self, network: PolicyNetwork) -> Self {
        Self { policy: self.policy.with_network(network), ..self.clone() }
    }

    fn device(&self) -> &Device {
        self.policy.device()
    }

    fn latent_count(&self) -> usize {
        LATENT_COUNT
    }

    fn line_name<'a>(&self, line: &'a SpeechLine) -> &'a str {
        &line.name
    }

    fn action_frames(&self, line: &SpeechLine) -> usize {
        line.clip.frame_count()
    }

    fn states(&self, line: &SpeechLine) -> Rows {
        Rows { values: line.clip.inputs().to_vec(), columns: POLICY_INPUT_COUNT }
    }

    fn sample(&self, line: &SpeechLine, seeds: &[u64], sampling: Sampling) -> Result<Vec<Vec<f32>>, RlError> {
        let takes = self.policy.sample(&line.clip, seeds, self.temperature)?;
        let mut actions: Vec<Vec<f32>> = takes.into_iter().map(|take| take.actions).collect();
        if self.lip_lock && sampling == Sampling::Exploring {
            let mean = self.policy.distribution(&line.clip, self.temperature)?.mean();
            let mean: Vec<f32> = mean.into_data().iter::<f32>().collect();
            for take in &mut actions {
                for (at, action) in
                    take.iter_mut().enumerate().filter(|(at, _)| moves_lips(at % LATENT_COUNT))
                {
                    *action = mean[at];
                }
            }
        }
        Ok(actions)
    }

    fn distribution(&self, line: &SpeechLine) -> Result<GeneratorDistribution, RlError> {
        Ok(self.policy.distribution(&line.clip, self.temperature)?)
    }

    fn motion(&self, line: &SpeechLine, actions: &[f32]) -> Result<Rows, RlError> {
        let motion = self.policy.motion(&line.clip, actions, REWARD_RATE)?;
        Ok(Rows { values: motion.values().to_vec(), columns: ARKIT_SHAPES.len() })
    }

    /// Layers that give latents have a column for each of them.
    fn frozen(&self) -> Vec<bool> {
        if !self.lip_lock {
            return Vec::new();
        }
        let of = |shape: Vec<usize>| {
            let gives_latents = shape.last() == Some(&LATENT_COUNT);
            let count = shape.iter().product::<usize>();
            (0..count).map(move |at| gives_latents && moves_lips(at % LATENT_COUNT))
        };
        shapes_of(self.network()).into_iter().flat_map(of).collect()
    }
}

impl ActionDistribution for GeneratorDistribution {
    fn log_probability(&self, actions: &Tensor<3>) -> Tensor<2> {
        self.log_probability(actions)
    }

    fn entropy(&self) -> Tensor<1> {
        self.entropy()
    }

    fn divergence_from(&self, reference: &Self, actions: &Tensor<3>) -> Tensor<2> {
        self.divergence_from(reference, actions)
    }
}

#[cfg(test)]
mod tests;
