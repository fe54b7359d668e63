//! What the reward sees: motion, speech and emotion as rows at 30 frames per second.
//!
//! Every row depends on a bounded stretch of its clip, so a window of a clip gives what the whole clip gives.

use crate::RewardError;
use esarm_kernels::log_mel::{LogMel, LogMelSettings};
use esarm_values::{ARKIT_SHAPES, Audio, EMOTIONS, Emotion, FrameRate, Track};
use std::collections::VecDeque;
use std::ops::Range;

/// Frames per second at which rewards are given.
pub const REWARD_RATE: FrameRate = FrameRate::whole(30);
/// Sampling rate of the audio, in Hz.
pub const SAMPLE_RATE_HZ: u32 = 16_000;
/// Values of a motion row: the weights of the 52 ARKit shapes in alphabetical order, within 0..1.
pub const MOTION_COLUMNS: usize = ARKIT_SHAPES.len();
/// Values of an emotion row: a weight for each of [`EMOTIONS`], summing to 1, or zeros where it is not known.
pub const EMOTION_COLUMNS: usize = EMOTIONS.len();
/// Values of an audio row: two normalised log-mel spectra, the loudness, and 1 to say that the clip has sound.
pub const AUDIO_COLUMNS: usize = MEL_PER_FRAME * MEL_COUNT + 2;

/// Bands of a log-mel spectrum.
const MEL_COUNT: usize = 24;
/// Log-mel spectra per frame.
const MEL_PER_FRAME: usize = 2;
/// Column of the loudness.
const LOUDNESS_COLUMN: usize = AUDIO_COLUMNS - 2;
/// Column that says that there is sound.
const HEARD_COLUMN: usize = AUDIO_COLUMNS - 1;
/// Log-mel frames whose loudest is the reference of a frame: 2.5 s before it and 0.5 s after it.
const REFERENCE_BEFORE: usize = 150;
const REFERENCE_AFTER: usize = 30;
/// Log-mel frames over which a level is averaged: 50 ms, so that a click is not taken for speech.
const LEVEL_SMOOTHING: usize = 3;
/// Quietest reference level, as natural logarithm of mean band power: speech at some 55 dB under full scale.
const LEVEL_FLOOR: f32 = -10.5;
/// Half the range of a normalised band, in natural-logarithm units.
const HALF_RANGE: f32 = 6.0;
/// Normalised loudness below which a frame may be silent: 30 dB under the reference.
const SILENT_LOUDNESS: f32 = 1.0 - 6.9 / HALF_RANGE;
/// Frames that a silence lasts at least, so that the closure of a stop is none: 0.17 s.
const SHORTEST_SILENCE: usize = 5;

/// Seconds of audio before a frame on which its row depends.
pub const AUDIO_SECS_BEFORE: f64 = (REFERENCE_BEFORE + LEVEL_SMOOTHING) as f64 / 60.0 + 0.0125;
/// Seconds of audio after a frame on which its row depends.
pub const AUDIO_SECS_AFTER: f64 = (REFERENCE_AFTER + MEL_PER_FRAME) as f64 / 60.0 + 0.0125;

/// Prepared extraction of audio rows.
pub struct AudioFeatures {
    log_mel: LogMel,
}

impl AudioFeatures {
    /// Prepares windows, filters and plans.
    ///
    /// # Errors
    /// Never for the settings above; kernels check all settings.
    pub fn new() -> Result<Self, RewardError> {
        let frames_per_sec = REWARD_RATE.frames_per_sec() * MEL_PER_FRAME as f64;
        let settings = LogMelSettings {
            sample_rate_hz: SAMPLE_RATE_HZ,
            hop_secs: 1.0 / frames_per_sec,
            mel_count: MEL_COUNT,
            low_hz: 60.0,
            ..LogMelSettings::default()
        };
        Ok(Self { log_mel: LogMel::new(&settings)? })
    }

    /// The rows `[frames, AUDIO_COLUMNS]` of the clip that `audio` is a part of; what is missing counts as silence.
    ///
    /// # Errors
    /// When the sampling rate is not 16 kHz or a sample is not finite.
    pub fn extract(&self, audio: &Audio, frames: Range<i64>) -> Result<Vec<f32>, RewardError> {
        check_rate(audio)?;
        let before = REFERENCE_BEFORE + LEVEL_SMOOTHING;
        let first = frames.start * MEL_PER_FRAME as i64 - before as i64;
        let last = frames.end * MEL_PER_FRAME as i64 + REFERENCE_AFTER as i64;
        let mel = self.log_mel.frames(&audio.samples, audio.start_sample, first..last.max(first))?;
        let levels = smoothed_levels(&mel);
        let count = usize::try_from(frames.end - frames.start).unwrap_or(0);
        let references = references(&levels, before..before + count * MEL_PER_FRAME);
        let mut rows = Vec::with_capacity(count * AUDIO_COLUMNS);
        for frame in 0..count {
            for half in 0..MEL_PER_FRAME {
                let at = before + frame * MEL_PER_FRAME + half;
                let reference = references[frame * MEL_PER_FRAME + half];
                let bands = &mel[at * MEL_COUNT..(at + 1) * MEL_COUNT];
                rows.extend(bands.iter().map(|band| relative(*band, reference)));
            }
            let loudness =
                relative(levels[before + frame * MEL_PER_FRAME], references[frame * MEL_PER_FRAME]);
            rows.extend([loudness, 1.0]);
        }
        Ok(rows)
    }
}

/// Refuses audio of another sampling rate.
pub(crate) fn check_rate(audio: &Audio) -> Result<(), RewardError> {
    if audio.sample_rate_hz == SAMPLE_RATE_HZ {
        return Ok(());
    }
    Err(RewardError::SampleRate { name: audio.name.clone(), found_hz: audio.sample_rate_hz })
}

/// Audio rows of a clip without sound.
pub fn unheard_rows(frames: usize) -> Vec<f32> {
    vec![0.0; frames * AUDIO_COLUMNS]
}

/// Whether audio rows are those of a clip with sound.
pub(crate) fn is_heard(rows: &[f32]) -> bool {
    rows.get(HEARD_COLUMN).is_some_and(|heard| *heard > 0.5)
}

/// 1 for each frame of audio rows in which nothing is said for a while, 0 for others and for clips without sound.
pub fn silence(rows: &[f32]) -> Vec<f32> {
    let quiet = |row: &[f32]| row[HEARD_COLUMN] > 0.5 && row[LOUDNESS_COLUMN] < SILENT_LOUDNESS;
    let quiet: Vec<bool> = rows.chunks_exact(AUDIO_COLUMNS).map(quiet).collect();
    quiet
        .chunk_by(|a, b| a == b)
        .flat_map(|run| {
            let silent = run[0] && run.len() >= SHORTEST_SILENCE;
            std::iter::repeat_n(if silent { 1.0 } else { 0.0 }, run.len())
        })
        .collect()
}

/// Loudness of each frame of audio rows: 1 at the loudest nearby, 0 some 26 dB below.
pub(crate) fn loudness(rows: &[f32]) -> Vec<f64> {
    rows.chunks_exact(AUDIO_COLUMNS).map(|row| f64::from(row[LOUDNESS_COLUMN])).collect()
}

/// The reward frames whose times lie in a motion.
pub fn covered_frames(motion: &Track) -> Range<i64> {
    let rate = motion.rate();
    let at = |frame: i64| (rate.secs_of(frame) * REWARD_RATE.frames_per_sec() - 1e-6).ceil() as i64;
    at(motion.start_frame())..at(motion.end_frame())
}

/// Rows `[frames, MOTION_COLUMNS]` of a motion, by channel name; channels that it lacks are 0.
///
/// # Errors
/// When the motion has no frame, no ARKit shape, or a weight that is no finite number.
pub fn motion_rows(name: &str, motion: &Track, frames: Range<i64>) -> Result<Vec<f32>, RewardError> {
    let columns: Vec<Option<usize>> = ARKIT_SHAPES.iter().map(|shape| motion.channel_index(shape)).collect();
    if motion.frame_count() == 0 {
        return Err(RewardError::motion(name, "has no frames; choose one that is not empty"));
    }
    if columns.iter().all(Option::is_none) {
        let what = "has none of the 52 ARKit shapes; retarget it with face.retarget first";
        return Err(RewardError::motion(name, what));
    }
    if let Some(at) = motion.values().iter().position(|value| !value.is_finite()) {
        let (frame, column) = (at / motion.channels().len(), at % motion.channels().len());
        let channel = &motion.channels()[column];
        let what = format!("is not finite in frame {frame}, channel {channel}; make it again");
        return Err(RewardError::motion(name, what));
    }
    let mut sampled = vec![0.0; motion.channels().len()];
    let mut rows = Vec::new();
    for frame in frames {
        motion.sample_into(REWARD_RATE.secs_of(frame), &mut sampled);
        rows.extend(
            columns.iter().map(|column| column.map_or(0.0, |column| sampled[column].clamp(0.0, 1.0))),
        );
    }
    Ok(rows)
}

/// Rows `[frames, EMOTION_COLUMNS]` of an emotion: what is missing to a sum of 1 is neutral.
pub fn emotion_rows(emotion: &Emotion, frames: Range<i64>) -> Vec<f32> {
    let row = |frame: i64| {
        let mut weights = emotion.weights_at(REWARD_RATE.secs_of(frame));
        weights[0] += (1.0 - weights.iter().sum::<f32>()).max(0.0);
        weights
    };
    frames.flat_map(row).collect()
}

/// Mean band power of each log-mel frame as a natural logarithm, averaged over the last frames.
fn smoothed_levels(mel: &[f32]) -> Vec<f32> {
    let power = |row: &[f32]| row.iter().map(|band| band.exp()).sum::<f32>() / MEL_COUNT as f32;
    let powers: Vec<f32> = mel.chunks_exact(MEL_COUNT).map(power).collect();
    let level = |at: usize| {
        let recent = &powers[(at + 1).saturating_sub(LEVEL_SMOOTHING)..=at];
        (recent.iter().sum::<f32>() / recent.len() as f32).max(1e-12).ln()
    };
    (0..powers.len()).map(level).collect()
}

/// The loudest level around each of `frames`, at least [`LEVEL_FLOOR`].
fn references(levels: &[f32], frames: Range<usize>) -> Vec<f32> {
    let mut candidates: VecDeque<usize> = VecDeque::new();
    let mut next = frames.start.saturating_sub(REFERENCE_BEFORE);
    frames
        .map(|frame| {
            while next < levels.len().min(frame + REFERENCE_AFTER) {
                while candidates.back().is_some_and(|&last| levels[last] <= levels[next]) {
                    candidates.pop_back();
                }
                candidates.push_back(next);
                next += 1;
            }
            while candidates.front().is_some_and(|&first| first + REFERENCE_BEFORE < frame) {
                candidates.pop_front();
            }
            candidates.front().map_or(LEVEL_FLOOR, |&first| levels[first].max(LEVEL_FLOOR))
        })
        .collect()
}

/// A level relative to its reference, about -1 to 1.
fn relative(level: f32, reference: f32) -> f32 {
    ((level - reference) / HALF_RANGE + 1.0).clamp(-1.2, 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use esarm_kernels::random::Random;

    fn speech() -> Audio {
        let random = Random::new(4, 0);
        let swell = |i: u64| if (i / 8000).is_multiple_of(2) { 0.3 } else { 0.0003 };
        Audio::new("noise", SAMPLE_RATE_HZ, (0..80_000).map(|i| random.normal(i) * swell(i)).collect())
    }

    #[test]
    fn windows_of_audio_give_the_rows_of_the_whole() {
        let features = AudioFeatures::new().unwrap();
        let whole = features.extract(&speech(), 0..150).unwrap();
        let (first, last) = (100, 120);
        let start = REWARD_RATE.secs_of(first) - AUDIO_SECS_BEFORE;
        let end = REWARD_RATE.secs_of(last) + AUDIO_SECS_AFTER;
        let part = speech().window((start * 16_000.0).floor() as i64, (end * 16_000.0).ceil() as i64);
        let window = features.extract(&part, first..last).unwrap();
        assert_eq!(window, whole[100 * AUDIO_COLUMNS..120 * AUDIO_COLUMNS]);
    }

    #[test]
    fn pauses_are_silent_and_speech_is_not() {
        let rows = AudioFeatures::new().unwrap().extract(&speech(), 0..150).unwrap();
        let silence = silence(&rows);
        assert!(silence[3..12].iter().all(|silent| *silent == 0.0));
        assert!(silence[18..28].iter().all(|silent| *silent == 1.0), "{silence:?}");
        assert!(is_heard(&rows) && !is_heard(&unheard_rows(3)));
    }

    #[test]
    fn motions_are_read_by_name_at_30_frames_a_second() {
        let channels = vec!["jawOpen".to_owned(), "headYaw".to_owned()];
        let values = (0..120).flat_map(|frame| [frame as f32 / 100.0, 7.0]).collect();
        let motion = Track::new(FrameRate::whole(60), channels, values).unwrap();
        let frames = covered_frames(&motion);
        assert_eq!(frames, 0..60);
        let rows = motion_rows("ramp", &motion, frames).unwrap();
        let jaw = esarm_values::arkit_index("jawOpen").unwrap();
        assert!((rows[10 * MOTION_COLUMNS + jaw] - 0.2).abs() < 1e-6);
        assert_eq!(rows[59 * MOTION_COLUMNS + jaw], 1.0);
        assert_eq!(rows.iter().filter(|value| **value > 0.0).count(), 59);
    }

    #[test]
    fn motions_that_cannot_be_read_say_why() {
        let rate = FrameRate::whole(30);
        let track = |name: &str, values: Vec<f32>| Track::new(rate, vec![name.to_owned()], values).unwrap();
        let refused = |motion: Track| motion_rows("clip", &motion, 0..1).unwrap_err().to_string();
        assert!(refused(track("jawOpen", vec![])).contains("no frames"));
        assert!(refused(track("bone", vec![0.0])).contains("ARKit"));
        assert!(refused(track("jawOpen", vec![0.0, f32::NAN])).contains("frame 1, channel jawOpen"));
    }

    #[test]
    fn emotions_sum_to_one() {
        let rows = emotion_rows(&Emotion::constant(3, 0.4), 0..2);
        assert!((rows[0] - 0.6).abs() < 1e-6 && rows[3] == 0.4 && rows.len() == 16);
    }
}
