//! The emotion of a voice over time.
//!
//! The voice is judged in windows whose centres lie on a fixed grid of clip time. A moment of the output is the mean
//! of the judgements around it, weighted by nearness and by how much voice each stands on; a judgement also lasts
//! faintly for some seconds after, so that the emotion holds through silence and then fades to neutral.

use super::model::{Probabilities, Stretches, VoiceEmotion};
use super::{VoiceError, frames};
use esarm_kernels::devices::Device;
use esarm_values::{Audio, EMOTIONS, Emotion, FrameRate};
use rayon::prelude::*;

/// How to follow a voice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OverTime {
    /// Length of the judged windows, in seconds, 0.8 to 3. Shorter follows faster and errs more.
    pub window_secs: f64,
    /// Time from window to window, in seconds, 0.05 to 1.
    pub hop_secs: f64,
    /// Standard deviation of the smoothing over time, in seconds, 0.1 to 0.8.
    pub smoothing_secs: f64,
    /// Probability of the likeliest emotion from which it counts in full, 0 to 1. Below it, weights fade towards
    /// neutral, which a third of it reaches; 0 never fades.
    pub certainty: f64,
}

impl Default for OverTime {
    fn default() -> Self {
        Self { window_secs: 1.8, hop_secs: 0.25, smoothing_secs: 0.35, certainty: 0.7 }
    }
}

/// Place of "neutral" among [`EMOTIONS`].
const NEUTRAL: usize = 0;
/// Rate of the output.
const OUTPUT_RATE: FrameRate = FrameRate::whole(10);
/// Smoothing reaches this many standard deviations.
const SMOOTHING_REACH: f64 = 3.0;
/// How long a judgement can hold, in seconds.
const HOLD_SECS: f64 = 4.0;
/// Weight of a judgement that holds, and the time in which it falls to 37 %, in seconds.
const HOLD: (f64, f64) = (0.02, 1.0);
/// Weight of "neutral", which wins where no judgement is near.
const NEUTRAL_WEIGHT: f64 = 0.001;
/// Voiced frames with which a judgement counts in full.
const FULL_VOICED_FRAMES: f64 = 60.0;
/// Centres analysed at a stretch, which bounds memory.
const CENTRES_A_PART: usize = 64;

/// The judgement of one window.
struct Judgement {
    centre_secs: f64,
    weight: f64,
    emotions: [f32; EMOTIONS.len()],
}

impl OverTime {
    /// Seconds of audio before a moment that can matter, at the longest settings.
    pub const BEFORE_SECS: f64 = HOLD_SECS + 1.5 + frames::REACH_SECS + 0.1;
    /// Seconds of audio after a moment that can matter, at the longest settings.
    pub const AFTER_SECS: f64 = SMOOTHING_REACH * 0.8 + 1.5 + frames::REACH_SECS + 0.1;

    fn check(&self) -> Result<(), VoiceError> {
        let check = |name, found: f64, low: f64, high: f64| {
            let fine = (low..=high).contains(&found);
            if fine { Ok(()) } else { Err(VoiceError::Setting { name, found, low, high }) }
        };
        check("window_secs", self.window_secs, 0.8, 3.0)?;
        check("hop_secs", self.hop_secs, 0.05, 1.0)?;
        check("smoothing_secs", self.smoothing_secs, 0.1, 0.8)?;
        check("certainty", self.certainty, 0.0, 1.0)
    }

    /// Fades weights that no emotion stands out of: a guess between emotions is no mixture of faces.
    fn doubt(&self, mut weights: [f32; EMOTIONS.len()]) -> [f32; EMOTIONS.len()] {
        let likeliest = f64::from(weights.iter().copied().fold(0.0, f32::max));
        let none = self.certainty / 3.0;
        if likeliest >= self.certainty {
            return weights;
        }
        let along = ((likeliest - none) / (self.certainty - none)).clamp(0.0, 1.0);
        let kept = (along * along * (3.0 - 2.0 * along)) as f32;
        weights.iter_mut().for_each(|weight| *weight *= kept);
        weights[NEUTRAL] += 1.0 - kept;
        weights
    }

    /// Weight of a judgement at `age_secs` after its centre; negative before.
    fn nearness(&self, age_secs: f64) -> f64 {
        let deviations = age_secs / self.smoothing_secs;
        let near =
            if deviations.abs() <= SMOOTHING_REACH { (-0.5 * deviations * deviations).exp() } else { 0.0 };
        let holds = (0.0..=HOLD_SECS).contains(&age_secs);
        near + if holds { HOLD.0 * (-age_secs / HOLD.1).exp() } else { 0.0 }
    }
}

impl VoiceEmotion {
    /// The emotion of a voice over time, 10 frames a second: weights of [`EMOTIONS`] that sum to 1. A window of a clip
    /// gives the frames of the whole clip, as long as it holds [`OverTime::BEFORE_SECS`] before and
    /// [`OverTime::AFTER_SECS`] after them or reaches the clip's end. Audio without a voice is neutral.
    ///
    /// `goes_on` is asked every few seconds of audio; once false, the work ends with [`VoiceError::Cancelled`].
    pub fn over_time(
        &self,
        audio: &Audio,
        settings: &OverTime,
        goes_on: &dyn Fn() -> bool,
        device: &Device,
    ) -> Result<Emotion, VoiceError> {
        settings.check()?;
        let judgements = self.judgements(audio, settings, goes_on, device)?;
        let rate = OUTPUT_RATE.frames_per_sec();
        let (start, end) = (audio.start_secs(), audio.start_secs() + audio.duration_secs());
        let first = (start * rate - 1e-6).ceil() as i64;
        let last = ((end * rate - 1e-6).ceil() as i64).max(first);
        let weights = (first..last).flat_map(|frame| mix(&judgements, settings, OUTPUT_RATE.secs_of(frame)));
        Ok(Emotion::from_frames(OUTPUT_RATE, weights.collect()).starting_at(first))
    }

    /// The judgements of all windows whose centres lie on the audio, as far as they hold a voice.
    fn judgements(
        &self,
        audio: &Audio,
        settings: &OverTime,
        goes_on: &dyn Fn() -> bool,
        device: &Device,
    ) -> Result<Vec<Judgement>, VoiceError> {
        let (start, end) = (audio.start_secs(), audio.start_secs() + audio.duration_secs());
        let first = (start / settings.hop_secs - 1e-6).ceil() as i64;
        let last = (end / settings.hop_secs - 1e-6).ceil() as i64;
        let centres: Vec<f64> = (first..last).map(|index| index as f64 * settings.hop_secs).collect();
        let half = settings.window_secs / 2.0;
        let mut judgements = Vec::with_capacity(centres.len());
        for part in centres.chunks(CENTRES_A_PART) {
            if !goes_on() {
                return Err(VoiceError::Cancelled);
            }
            let (from, to) = (part[0] - half, part[part.len() - 1] + half);
            let stretches = Stretches::around(audio, from, to, device)?;
            judgements.par_extend(part.par_iter().filter_map(|&centre_secs| {
                let features =
                    stretches.features((centre_secs - half).max(start), (centre_secs + half).min(end))?;
                let weight = (features.voiced_frames as f64 / FULL_VOICED_FRAMES).min(1.0);
                Some(Judgement { centre_secs, weight, emotions: self.judge(&features).emotions() })
            }));
        }
        Ok(judgements)
    }
}

/// The weighted mean of the judgements around a clip time, faded where it is in doubt, then to neutral where none is
/// near: holding through silence is no doubt.
fn mix(judgements: &[Judgement], settings: &OverTime, time_secs: f64) -> [f32; EMOTIONS.len()] {
    let mut sums = [0.0_f64; EMOTIONS.len()];
    let mut total = 0.0;
    let reach = SMOOTHING_REACH * settings.smoothing_secs;
    let first = judgements.partition_point(|it| it.centre_secs < time_secs - HOLD_SECS.max(reach));
    for judgement in judgements[first..].iter().take_while(|it| it.centre_secs <= time_secs + reach) {
        let weight = judgement.weight * settings.nearness(time_secs - judgement.centre_secs);
        sums.iter_mut()
            .zip(judgement.emotions)
            .for_each(|(sum, emotion)| *sum += weight * f64::from(emotion));
        total += weight;
    }
    let neutral = Probabilities::NEUTRAL.emotions();
    if total <= 0.0 {
        return neutral;
    }
    let heard = settings.doubt(sums.map(|sum| (sum / total) as f32));
    let share = (total / (total + NEUTRAL_WEIGHT)) as f32;
    std::array::from_fn(|index| heard[index] * share + neutral[index] * (1.0 - share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubt_fades_smoothly_to_neutral_and_certainty_stays() {
        let settings = OverTime::default();
        let angry = |probability: f32| {
            let mut weights = [(1.0 - probability) / 7.0; EMOTIONS.len()];
            weights[3] = probability;
            settings.doubt(weights)
        };
        assert_eq!(angry(0.7)[3], 0.7);
        assert_eq!(angry(0.95)[3], 0.95);
        assert!(angry(0.5)[3] < 0.35 && angry(0.5)[3] > 0.2, "{:?}", angry(0.5));
        assert!(angry(0.23)[3] < 0.01, "{:?}", angry(0.23));
        let steps: Vec<f32> = (20..=100).map(|percent| angry(percent as f32 / 100.0)[3]).collect();
        assert!(steps.windows(2).all(|pair| (0.0..0.03).contains(&(pair[1] - pair[0]))), "{steps:?}");
        let sum: f32 = angry(0.45).iter().sum();
        assert!((sum - 1.0).abs() < 1e-6);
        let never = OverTime { certainty: 0.0, ..settings };
        assert_eq!(never.doubt([0.2, 0.3, 0.1, 0.4, 0.0, 0.0, 0.0, 0.0])[3], 0.4);
    }
}
