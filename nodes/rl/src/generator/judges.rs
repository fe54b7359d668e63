//! Rewards and named terms as judges and proxies of lines of speech.

use super::SpeechLine;
use crate::RlError;
use crate::policy::{Judge, Judgement, Proxy, Rows};
use burn::tensor::{Device, Tensor, TensorData};
use esarm_reward::features::{AUDIO_COLUMNS, EMOTION_COLUMNS, MOTION_COLUMNS, REWARD_RATE};
use esarm_reward::{Performance, RewardModel, RewardWeights, TERM_NAMES};
use esarm_values::{ARKIT_SHAPES, Track, arkit_index};

/// Frames of all takes that are judged at a time, so that memory stays bounded.
const MOST_FRAMES: usize = 20_000;
/// Lips count as closed below this aperture, a share of the fully opened jaw.
const CLOSED_APERTURE: f32 = 0.08;

/// A reward model as a judge; its ensemble's disagreement is its uncertainty.
pub struct RewardJudge {
    model: RewardModel,
}

impl RewardJudge {
    /// Judges by these weights, on the processor.
    pub fn new(weights: RewardWeights) -> Self {
        Self { model: RewardModel::new(weights, &Device::flex()) }
    }

    /// How much each ARKit weight usually moves, as its standard deviation over the reward's demonstrations.
    pub fn usual_movement(&self) -> &[f32] {
        &self.model.weights().liveliness
    }

    fn judge_together(&self, line: &SpeechLine, motions: &[Rows]) -> Vec<Judgement> {
        let (takes, frames) = (motions.len(), line.scene.frame_count());
        let tensor = |values: Vec<f32>, columns: usize| {
            Tensor::<3>::from_data(TensorData::new(values, [takes, frames, columns]), &Device::flex())
        };
        let motion = motions.iter().flat_map(|motion| motion.values.iter().copied()).collect();
        let (rewards, uncertainty) = self.model.rewards(
            tensor(motion, MOTION_COLUMNS),
            tensor(line.scene.audio.repeat(takes), AUDIO_COLUMNS),
            tensor(line.scene.emotion.repeat(takes), EMOTION_COLUMNS),
        );
        let numbers = |tensor: Tensor<2>| tensor.into_data().iter::<f32>().collect::<Vec<_>>();
        let (rewards, uncertainty) = (numbers(rewards), numbers(uncertainty));
        let takes = rewards.chunks_exact(frames).zip(uncertainty.chunks_exact(frames));
        let judgement = |(rewards, uncertainty): (&[f32], &[f32])| Judgement {
            rewards: rewards.to_vec(),
            uncertainty: uncertainty.to_vec(),
        };
        takes.map(judgement).collect()
    }
}

impl Judge<SpeechLine> for RewardJudge {
    fn judge(&self, line: &SpeechLine, motions: &[Rows]) -> Result<Vec<Judgement>, RlError> {
        let frames = line.scene.frame_count();
        if let Some(motion) = motions.iter().find(|motion| motion.values.len() != frames * MOTION_COLUMNS) {
            let what = format!("\"{}\" has {frames} frames, but a take {}", line.name, motion.frame_count());
            return Err(RlError::Lines(what));
        }
        let together = (MOST_FRAMES / frames.max(1)).max(1);
        Ok(motions.chunks(together).flat_map(|motions| self.judge_together(line, motions)).collect())
    }
}

/// A named term of the reward crate as a proxy.
pub struct TermProxy {
    name: &'static str,
    margin: f64,
    usual_movement: Vec<f32>,
}

impl Proxy<SpeechLine> for TermProxy {
    fn name(&self) -> &str {
        self.name
    }

    fn margin(&self) -> f64 {
        self.margin
    }

    fn measure(&self, line: &SpeechLine, motions: &[Rows]) -> Result<Vec<Option<f64>>, RlError> {
        let measure = |motion: &Rows| -> Result<Option<f64>, RlError> {
            let performance = Performance::new(&track(motion)?, Some(&line.audio), Some(&line.emotion))?;
            let term = match self.name {
                "lip_sync" => performance.lip_sync(),
                "closures" => performance.closures(),
                "emotion_agreement" => performance.emotion_agreement(),
                "liveliness" => performance.liveliness(&self.usual_movement),
                _ => performance.smoothness(),
            };
            Ok(term.value)
        };
        motions.iter().map(measure).collect()
    }
}

/// Whether the lips meet at every p, b and m: the share of them during which the aperture falls below 0.08.
pub struct ClosureProxy {
    margin: f64,
}

impl Proxy<SpeechLine> for ClosureProxy {
    fn name(&self) -> &'static str {
        "bilabial_closures"
    }

    fn margin(&self) -> f64 {
        self.margin
    }

    fn measure(&self, line: &SpeechLine, motions: &[Rows]) -> Result<Vec<Option<f64>>, RlError> {
        Ok(motions.iter().map(|motion| closed_share(motion, &line.closures)).collect())
    }
}

fn closed_share(motion: &Rows, closures: &[(f64, f64)]) -> Option<f64> {
    let column = |shape: &str| arkit_index(shape).unwrap_or(0);
    let (open, close) = (column("jawOpen"), column("mouthClose"));
    let closed: Vec<bool> = motion.frames().map(|row| row[open] - row[close] < CLOSED_APERTURE).collect();
    let at = |secs: f64| ((secs * REWARD_RATE.frames_per_sec()).round() as usize).min(closed.len());
    let met = |(start, end): &(f64, f64)| {
        let during = &closed[at(*start)..(at(*end) + 1).min(closed.len())];
        (!during.is_empty()).then(|| during.iter().any(|closed| *closed))
    };
    let met: Vec<bool> = closures.iter().filter_map(met).collect();
    (!met.is_empty()).then(|| met.iter().filter(|met| **met).count() as f64 / met.len() as f64)
}

/// Every proxy there is for speech, each of which may fall by `margin`: the named terms and the closures of p, b, m.
pub fn proxies(judge: &RewardJudge, margin: f64) -> Vec<Box<dyn Proxy<SpeechLine>>> {
    let usual_movement = judge.usual_movement().to_vec();
    let term = |name: &'static str| -> Box<dyn Proxy<SpeechLine>> {
        Box::new(TermProxy { name, margin, usual_movement: usual_movement.clone() })
    };
    let mut all: Vec<_> = TERM_NAMES.into_iter().map(term).collect();
    all.push(Box::new(ClosureProxy { margin }));
    all
}

/// A motion of a line as a track.
fn track(motion: &Rows) -> Result<Track, RlError> {
    let names = ARKIT_SHAPES.map(str::to_owned).to_vec();
    Track::new(REWARD_RATE, names, motion.values.clone())
        .map_err(|error| RlError::Lines(format!("a take is no motion: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closures_are_shares_of_phones_with_closed_lips() {
        let open = arkit_index("jawOpen").unwrap();
        let mut motion = Rows { values: vec![0.0; 30 * MOTION_COLUMNS], columns: MOTION_COLUMNS };
        for (frame, row) in motion.values.chunks_exact_mut(MOTION_COLUMNS).enumerate() {
            row[open] = if (9..12).contains(&frame) { 0.01 } else { 0.4 };
        }
        assert_eq!(closed_share(&motion, &[(0.3, 0.4), (0.6, 0.7)]), Some(0.5));
        assert_eq!(closed_share(&motion, &[(9.0, 9.1)]), None);
        assert_eq!(closed_share(&motion, &[]), None);
    }
}
