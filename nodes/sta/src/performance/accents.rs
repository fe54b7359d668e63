//! Accents of speech: the syllables that stand out by loudness and pitch.

use super::smoothstep;
use esarm_kernels::onsets::{PeakSettings, pick_peaks};
use esarm_values::Track;

/// Seconds of prosody on both sides that decide about an accent.
pub const ACCENT_REACH_SECS: f64 = 2.0;
/// Spacing of the moments looked at, in seconds of clip time.
const STEP_SECS: f64 = 0.02;
/// An accent is the strongest moment within this distance, in seconds.
const ALONE_SECS: f64 = 0.35;
/// Half the length of the stretch an accent stands out from, in seconds.
const AROUND_SECS: f64 = 1.2;
/// Half the length of the smoothing, in seconds.
const SMOOTHING_SECS: f64 = 0.06;
/// Loudness below which nothing is an accent, in decibels of full scale.
const QUIETEST_DB: f32 = -60.0;
/// Rise over the surroundings of a full accent: in decibels, and what a semitone adds to it.
const FULL_RISE_DB: f32 = 9.0;
const SEMITONE_DB: f32 = 1.0;

/// A syllable that stands out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accent {
    /// Clip time in seconds.
    pub time_secs: f64,
    /// How much it stands out, 0 to 1.
    pub strength: f64,
}

/// The accents of speech in a stretch of clip time, from a track with the channels `energy_db` (decibels of full
/// scale) and, where there is one, `f0_hz` (0 where unvoiced). Without finite `energy_db` there are none.
pub fn accents(prosody: &Track, start_secs: f64, end_secs: f64) -> Vec<Accent> {
    let Some(energy) = prosody.channel_index("energy_db") else { return Vec::new() };
    let pitch = prosody.channel_index("f0_hz");
    let step = |secs: f64| (secs / STEP_SECS).floor() as i64;
    let reach = (AROUND_SECS / STEP_SECS) as i64;
    let margin = reach + (SMOOTHING_SECS / STEP_SECS) as i64;
    let (first, last) = (step(start_secs), step(end_secs) + 1);
    let mut frame = vec![0.0; prosody.channels().len()];
    let salience: Vec<f32> = (first - margin..=last + margin)
        .map(|index| {
            prosody.sample_into(index as f64 * STEP_SECS, &mut frame);
            salience(frame[energy], pitch.map_or(0.0, |column| frame[column]))
        })
        .collect();
    let smooth = smoothed(&salience, (SMOOTHING_SECS / STEP_SECS) as usize);
    let alone = PeakSettings { max_frames: (ALONE_SECS / STEP_SECS) as usize, mean_frames: 0, delta: 0.0 };
    let Ok(peaks) = pick_peaks(&smooth, &alone) else { return Vec::new() };
    let reach = reach as usize;
    let inner = reach..smooth.len().saturating_sub(reach);
    peaks
        .into_iter()
        .filter(|index| inner.contains(index) && smooth[*index] > QUIETEST_DB)
        .filter_map(|index| {
            let around = &smooth[index - reach..=index + reach];
            let spoken: Vec<f32> = around.iter().copied().filter(|level| *level > QUIETEST_DB).collect();
            let mean = spoken.iter().sum::<f32>() / spoken.len().max(1) as f32;
            let strength = smoothstep(f64::from((smooth[index] - mean) / FULL_RISE_DB));
            let time_secs =
                (first - margin + (SMOOTHING_SECS / STEP_SECS) as i64 + index as i64) as f64 * STEP_SECS;
            let inside = (start_secs..end_secs).contains(&time_secs);
            (strength > 0.05 && inside).then_some(Accent { time_secs, strength })
        })
        .collect()
}

/// Loudness in decibels, raised for high pitch.
fn salience(energy_db: f32, pitch_hz: f32) -> f32 {
    let semitones = if pitch_hz > 0.0 { 12.0 * (pitch_hz / 100.0).log2() } else { 0.0 };
    (energy_db + SEMITONE_DB * semitones.clamp(-12.0, 24.0)).max(QUIETEST_DB)
}

/// Means over `reach` neighbours on both sides, of the values that have them all.
fn smoothed(values: &[f32], reach: usize) -> Vec<f32> {
    values.windows(2 * reach + 1).map(|window| window.iter().sum::<f32>() / window.len() as f32).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use esarm_values::FrameRate;

    /// Speech at -30 dB with louder syllables at the given times.
    pub(in super::super) fn spoken(secs: f64, syllables: &[f64]) -> Track {
        let rate = FrameRate::whole(100);
        let values = (0..rate.frames_in(secs) as i64).flat_map(|frame| {
            let time = rate.secs_of(frame);
            let near = |syllable: &f64| (-((time - syllable) / 0.08).powi(2)).exp();
            let rise: f64 = syllables.iter().map(near).sum();
            [120.0 + 40.0 * rise as f32, -30.0 + 12.0 * rise as f32]
        });
        Track::new(rate, vec!["f0_hz".to_owned(), "energy_db".to_owned()], values.collect()).unwrap()
    }

    #[test]
    fn syllables_that_stand_out_are_found() {
        let found = accents(&spoken(8.0, &[2.0, 3.5, 5.02]), 0.0, 8.0);
        let times: Vec<f64> = found.iter().filter(|it| it.strength > 0.3).map(|it| it.time_secs).collect();
        assert_eq!(times.len(), 3, "{found:?}");
        for (time, expected) in times.iter().zip([2.0, 3.5, 5.02]) {
            assert!((time - expected).abs() < 0.03, "{times:?}");
        }
    }

    #[test]
    fn silence_has_none() {
        let rate = FrameRate::whole(100);
        let quiet = Track::new(rate, vec!["energy_db".to_owned()], vec![-100.0; 500]).unwrap();
        assert!(accents(&quiet, 0.0, 5.0).is_empty());
        let other = Track::new(rate, vec!["other".to_owned()], vec![1.0; 500]).unwrap();
        assert!(accents(&other, 0.0, 5.0).is_empty());
    }

    #[test]
    fn a_stretch_has_the_accents_of_the_whole() {
        let track = spoken(20.0, &[2.0, 3.1, 6.0, 9.5, 10.2, 14.0]);
        let whole = accents(&track, 0.0, 20.0);
        let part = accents(&track.window(700, 1350), 9.0, 11.0);
        let expected: Vec<Accent> =
            whole.iter().copied().filter(|accent| (9.0..11.0).contains(&accent.time_secs)).collect();
        assert_eq!(part, expected);
        assert!(expected.len() >= 2);
    }
}
