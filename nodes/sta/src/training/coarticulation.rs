//! From phones to mouth postures over time: a dominance model of coarticulation.
//!
//! After Cohen and Massaro ("Modeling coarticulation in synthetic visual speech", 1993): every phone pulls each
//! posture to its own target with a dominance that fades with distance in time, and the posture is the
//! dominance-weighted mean of the targets. A phone with no opinion about a posture leaves it to its neighbours, which
//! is how rounding and opening spread over consonants.

use super::phones::Phone;
use crate::generator::channels::{CONTENT_CHANNELS, CONTENT_COUNT};
use crate::visemes::Viseme;

/// Frames per second of the targets.
pub const TARGET_FRAMES_PER_SEC: f64 = 100.0;

/// Target and dominance of the jaw, dominance of the lips, and the lip postures a viseme asks for. Postures that are
/// not named are 0 with the lips' dominance; `free` names those it has no opinion about.
struct Posture {
    jaw: (f32, f32),
    lips: f32,
    asks: &'static [(&'static str, f32)],
    free: &'static [&'static str],
}

const ROUNDING: &[&str] = &["mouthPucker", "mouthFunnel"];

fn posture(viseme: Viseme) -> Posture {
    let make = |jaw, lips, asks, free| Posture { jaw, lips, asks, free };
    match viseme {
        Viseme::Silence => make((0.0, 0.8), 0.6, &[], &[]),
        Viseme::Bilabial => make(
            (0.05, 1.0),
            1.1,
            &[("mouthPress", 0.22), ("mouthRollLower", 0.1), ("mouthRollUpper", 0.07), ("cheekPuff", 0.04)],
            ROUNDING,
        ),
        Viseme::Labiodental => {
            make((0.07, 0.9), 1.0, &[("mouthRollLower", 0.32), ("mouthUpperUp", 0.2)], ROUNDING)
        }
        Viseme::Dental => make((0.12, 0.5), 0.5, &[("mouthLowerDown", 0.12), ("tongueOut", 0.1)], ROUNDING),
        Viseme::Alveolar => {
            make((0.1, 0.4), 0.35, &[("mouthLowerDown", 0.1), ("mouthStretch", 0.04)], ROUNDING)
        }
        Viseme::Lateral => make((0.17, 0.4), 0.35, &[("mouthLowerDown", 0.1)], ROUNDING),
        Viseme::Sibilant => make(
            (0.05, 0.9),
            0.7,
            &[("mouthLowerDown", 0.17), ("mouthUpperUp", 0.08), ("mouthStretch", 0.12), ("mouthSmile", 0.06)],
            ROUNDING,
        ),
        Viseme::Postalveolar => make(
            (0.06, 0.9),
            0.9,
            &[("mouthFunnel", 0.34), ("mouthPucker", 0.16), ("mouthLowerDown", 0.12), ("mouthUpperUp", 0.1)],
            &[],
        ),
        Viseme::Velar => make((0.14, 0.3), 0.15, &[("mouthLowerDown", 0.08)], ROUNDING),
        Viseme::Rhotic => make(
            (0.1, 0.5),
            0.6,
            &[("mouthFunnel", 0.18), ("mouthPucker", 0.14), ("mouthLowerDown", 0.06)],
            &[],
        ),
        Viseme::LabialGlide => make((0.07, 0.7), 1.0, &[("mouthPucker", 0.62), ("mouthFunnel", 0.14)], &[]),
        Viseme::PalatalGlide => make(
            (0.08, 0.5),
            0.5,
            &[("mouthSmile", 0.1), ("mouthStretch", 0.14), ("mouthLowerDown", 0.1)],
            &[],
        ),
        Viseme::Open => make((0.46, 1.1), 0.8, &[("mouthLowerDown", 0.18), ("mouthUpperUp", 0.08)], &[]),
        Viseme::OpenMidFront => make(
            (0.33, 1.0),
            0.8,
            &[("mouthLowerDown", 0.18), ("mouthUpperUp", 0.08), ("mouthStretch", 0.12), ("mouthSmile", 0.08)],
            &[],
        ),
        Viseme::CloseMidFront => make(
            (0.2, 0.9),
            0.8,
            &[("mouthLowerDown", 0.15), ("mouthUpperUp", 0.05), ("mouthStretch", 0.18), ("mouthSmile", 0.13)],
            &[],
        ),
        Viseme::CloseFront => make(
            (0.11, 0.9),
            0.8,
            &[("mouthLowerDown", 0.13), ("mouthUpperUp", 0.04), ("mouthStretch", 0.22), ("mouthSmile", 0.16)],
            &[],
        ),
        Viseme::NearCloseFront => make(
            (0.15, 0.8),
            0.6,
            &[("mouthLowerDown", 0.12), ("mouthUpperUp", 0.04), ("mouthStretch", 0.12), ("mouthSmile", 0.08)],
            &[],
        ),
        Viseme::OpenMidBack => make(
            (0.33, 1.0),
            0.9,
            &[("mouthFunnel", 0.28), ("mouthPucker", 0.14), ("mouthLowerDown", 0.08)],
            &[],
        ),
        Viseme::CloseMidBack => make(
            (0.22, 0.9),
            1.0,
            &[("mouthFunnel", 0.26), ("mouthPucker", 0.42), ("mouthLowerDown", 0.05)],
            &[],
        ),
        Viseme::CloseBack => make((0.11, 0.9), 1.0, &[("mouthPucker", 0.6), ("mouthFunnel", 0.2)], &[]),
        Viseme::RoundedFront => make((0.1, 0.9), 1.0, &[("mouthPucker", 0.54), ("mouthFunnel", 0.24)], &[]),
        Viseme::RoundedMid => make((0.2, 0.9), 1.0, &[("mouthFunnel", 0.34), ("mouthPucker", 0.32)], &[]),
        Viseme::Central => {
            make((0.21, 0.7), 0.5, &[("mouthLowerDown", 0.1), ("mouthUpperUp", 0.03)], ROUNDING)
        }
        Viseme::Glottal => make((0.2, 0.05), 0.02, &[], ROUNDING),
    }
}

/// Target and dominance of every content channel.
fn targets_of(viseme: Viseme) -> [(f32, f32); CONTENT_COUNT] {
    let posture = posture(viseme);
    std::array::from_fn(|channel| {
        let name = CONTENT_CHANNELS[channel];
        if channel == 0 {
            return posture.jaw;
        }
        match posture.asks.iter().find(|(asked, _)| *asked == name) {
            Some((_, target)) => (*target, posture.lips),
            None if posture.free.contains(&name) => (0.0, 0.03),
            None => (0.0, posture.lips),
        }
    })
}

/// Seconds (one standard deviation) over which a channel's dominance fades, and how far it runs ahead of the sound.
fn reach_secs(channel: usize) -> (f64, f64) {
    match CONTENT_CHANNELS[channel] {
        "jawOpen" => (0.036, 0.01),
        "mouthPucker" | "mouthFunnel" => (0.055, 0.03),
        "mouthPress" | "mouthRollLower" | "mouthRollUpper" | "mouthUpperUp" => (0.028, 0.01),
        _ => (0.04, 0.012),
    }
}

/// Everything the content network is taught about labelled speech, at [`TARGET_FRAMES_PER_SEC`].
pub struct SpeechTargets {
    /// Postures: `[frames, CONTENT_COUNT]`.
    pub content: Vec<[f32; CONTENT_COUNT]>,
    /// Viseme of each frame.
    pub viseme: Vec<Viseme>,
    /// Whether the lips are together: 0 to 1.
    pub closure: Vec<f32>,
    /// Whether nobody speaks: 0 to 1.
    pub silence: Vec<f32>,
}

/// Shortest rest in which the mouth closes; shorter ones are stops between words.
const SHORTEST_REST_SECS: f64 = 0.08;
/// How long before and after a rest the lips are already and still together.
const REST_MARGIN_SECS: f64 = 0.03;

/// Targets for labelled speech; `loudness` is the level of each frame relative to the clip's vowels, about 0.7 to 1.3.
pub fn speech_targets(phones: &[Phone], duration_secs: f64, loudness: &[f32]) -> SpeechTargets {
    let frames = (duration_secs * TARGET_FRAMES_PER_SEC).ceil() as usize;
    let mut viseme = vec![Viseme::Silence; frames];
    let mut closure = vec![0.0; frames];
    let mut rest = vec![true; frames];
    let index = |secs: f64| ((secs * TARGET_FRAMES_PER_SEC).round().max(0.0) as usize).min(frames);
    for phone in phones {
        viseme[index(phone.start_secs)..index(phone.end_secs)].fill(phone.viseme);
        let quiet = phone.viseme == Viseme::Silence;
        rest[index(phone.start_secs)..index(phone.end_secs)].fill(quiet);
        if phone.closed_share > 0.0 {
            let closed_to = phone.start_secs + (phone.end_secs - phone.start_secs) * phone.closed_share;
            let (first, last) = (index(phone.start_secs), index(closed_to).max(index(phone.start_secs) + 1));
            closure[first.min(frames)..last.min(frames)].fill(1.0);
        }
    }
    let silence = long_rests(&rest);
    let content = content_targets(&viseme, loudness);
    SpeechTargets { content, viseme, closure, silence }
}

/// Rests that last at least [`SHORTEST_REST_SECS`], with [`REST_MARGIN_SECS`] around them.
fn long_rests(rest: &[bool]) -> Vec<f32> {
    let mut silence = vec![0.0; rest.len()];
    let shortest = (SHORTEST_REST_SECS * TARGET_FRAMES_PER_SEC) as usize;
    let mut start = 0;
    while start < rest.len() {
        let length = rest[start..].iter().take_while(|quiet| **quiet).count();
        if length >= shortest || (length > 0 && (start == 0 || start + length == rest.len())) {
            let margin = (REST_MARGIN_SECS * TARGET_FRAMES_PER_SEC) as usize;
            silence[start.saturating_sub(margin)..(start + length + margin).min(rest.len())].fill(1.0);
        }
        start += length.max(1);
    }
    silence
}

fn content_targets(visemes: &[Viseme], loudness: &[f32]) -> Vec<[f32; CONTENT_COUNT]> {
    let tables: Vec<_> = Viseme::ALL.iter().map(|viseme| targets_of(*viseme)).collect();
    let mut content = vec![[0.0; CONTENT_COUNT]; visemes.len()];
    for channel in 0..CONTENT_COUNT {
        let kernel = DominanceKernel::new(channel);
        for (frame, row) in content.iter_mut().enumerate() {
            row[channel] = kernel.blend(frame, visemes, |at| {
                let (mut target, dominance) = tables[visemes[at] as usize][channel];
                if channel == 0 && visemes[at].is_vowel() {
                    target *= loudness.get(at).copied().unwrap_or(1.0);
                }
                (target, dominance)
            });
        }
    }
    content
}

/// How much frames around a frame count for one channel.
struct DominanceKernel {
    first: i64,
    weights: Vec<f32>,
}

impl DominanceKernel {
    fn new(channel: usize) -> Self {
        let (deviation, ahead) = reach_secs(channel);
        let (deviation, ahead) = (deviation * TARGET_FRAMES_PER_SEC, ahead * TARGET_FRAMES_PER_SEC);
        let reach = (3.0 * deviation + ahead).ceil() as i64;
        let weight = |offset: i64| (-0.5 * ((offset as f64 - ahead) / deviation).powi(2)).exp() as f32;
        Self { first: -reach, weights: (-reach..=reach).map(weight).collect() }
    }

    fn blend(&self, frame: usize, visemes: &[Viseme], target: impl Fn(usize) -> (f32, f32)) -> f32 {
        let (mut sum, mut total) = (0.0, 1e-6);
        for (weight, offset) in self.weights.iter().zip(self.first..) {
            let at = frame as i64 + offset;
            // Outside of the clip the mouth rests.
            let (value, dominance) = match usize::try_from(at).ok().filter(|at| *at < visemes.len()) {
                Some(at) => target(at),
                None => (0.0, 0.6),
            };
            sum += weight * dominance * value;
            total += weight * dominance;
        }
        sum / total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::channels::content_index;

    fn targets(visemes: &[Viseme]) -> SpeechTargets {
        let phones: Vec<Phone> = visemes
            .iter()
            .enumerate()
            .map(|(n, viseme)| Phone::new(*viseme, 0.2 + 0.1 * n as f64, 0.3 + 0.1 * n as f64))
            .collect();
        speech_targets(&phones, 0.4 + 0.1 * visemes.len() as f64, &[])
    }

    #[test]
    fn vowels_open_and_bilabials_close() {
        let targets = targets(&[Viseme::Open, Viseme::Bilabial, Viseme::Open]);
        assert!(targets.content[25][0] > 0.35 && targets.content[45][0] > 0.35);
        assert!(targets.content[35][0] < 0.17, "{}", targets.content[35][0]);
        assert_eq!((targets.closure[35], targets.closure[25], targets.silence[5]), (1.0, 0.0, 1.0));
    }

    #[test]
    fn rounding_spreads_over_consonants() {
        let pucker = content_index("mouthPucker");
        let rounded = targets(&[Viseme::Alveolar, Viseme::CloseBack]).content[24][pucker];
        let spread = targets(&[Viseme::Alveolar, Viseme::CloseFront]).content[24][pucker];
        assert!(rounded > 0.25 && spread < 0.05, "{rounded} {spread}");
    }
}
