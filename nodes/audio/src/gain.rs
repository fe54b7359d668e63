//! Level: gain in decibels and normalisation of loudness.

use crate::AudioError;
use crate::loudness::integrated_loudness;
use esarm_values::Audio;

/// The same audio, louder or softer by `gain_db` decibels. Samples may leave -1..1; nothing is clipped.
pub fn gain(audio: &Audio, gain_db: f64) -> Result<Audio, AudioError> {
    AudioError::unless((-200.0..=200.0).contains(&gain_db), "gain_db", gain_db, "between -200 and 200")?;
    let factor = 10.0_f64.powf(gain_db / 20.0) as f32;
    Ok(map_samples(audio, |sample| sample * factor))
}

/// The same audio with the gain of each moment, `gain_db(clip time in seconds)`.
pub fn gain_over_time(audio: &Audio, gain_db: impl Fn(f64) -> f64) -> Audio {
    let rate_hz = f64::from(audio.sample_rate_hz);
    let scaled = |(sample, index): (&f32, i64)| {
        let factor = 10.0_f64.powf(gain_db(index as f64 / rate_hz) / 20.0);
        (f64::from(*sample) * factor) as f32
    };
    let samples = audio.samples.iter().zip(audio.start_sample..).map(scaled).collect();
    Audio { name: audio.name.clone(), samples, ..*audio }
}

/// Largest magnitude of a sample, in decibels of full scale; `None` for silence.
pub fn peak_db(audio: &Audio) -> Option<f64> {
    let peak = audio.samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    (peak > 0.0).then(|| 20.0 * f64::from(peak).log10())
}

/// The same audio with an integrated loudness of `target_lufs`, or as near to it as the highest sample may rise to
/// `peak_limit_db`; nothing is compressed or clipped. Silence stays as it is.
pub fn normalise_loudness(audio: &Audio, target_lufs: f64, peak_limit_db: f64) -> Result<Audio, AudioError> {
    AudioError::unless(
        (-70.0..=0.0).contains(&target_lufs),
        "target_lufs",
        target_lufs,
        "between -70 and 0",
    )?;
    AudioError::unless(
        (-60.0..=0.0).contains(&peak_limit_db),
        "peak_limit_db",
        peak_limit_db,
        "between -60 and 0",
    )?;
    match (integrated_loudness(audio), peak_db(audio)) {
        (Some(loudness), Some(peak)) => gain(audio, (target_lufs - loudness).min(peak_limit_db - peak)),
        _ => Ok(audio.clone()),
    }
}

fn map_samples(audio: &Audio, change: impl Fn(f32) -> f32) -> Audio {
    let samples = audio.samples.iter().map(|sample| change(*sample)).collect();
    Audio { name: audio.name.clone(), samples, ..*audio }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(amplitude: f64) -> Audio {
        let sample =
            |n: usize| (amplitude * (std::f64::consts::TAU * 1000.0 * n as f64 / 48_000.0).sin()) as f32;
        Audio::new("tone", 48_000, (0..48_000).map(sample).collect())
    }

    #[test]
    fn gain_is_in_decibels() {
        let louder = gain(&tone(0.1), 20.0).unwrap();
        assert!((peak_db(&louder).unwrap() - 0.0).abs() < 1e-3);
        assert_eq!(gain(&tone(0.1), 0.0).unwrap(), tone(0.1));
        assert!(gain(&tone(0.1), f64::NAN).unwrap_err().to_string().contains("gain_db"));
    }

    #[test]
    fn gain_follows_clip_time() {
        let clip = Audio::new("ones", 10, vec![1.0; 10]);
        let faded = gain_over_time(&clip, |secs| -20.0 * secs);
        assert!((faded.samples[5] - 10.0_f32.powf(-0.5)).abs() < 1e-6);
        assert_eq!(gain_over_time(&clip.window(4, 8), |secs| -20.0 * secs), faded.window(4, 8));
    }

    #[test]
    fn loudness_meets_its_target_below_the_peak_limit() {
        let at = |target, limit| {
            let audio = normalise_loudness(&tone(0.05), target, limit).unwrap();
            (integrated_loudness(&audio).unwrap(), peak_db(&audio).unwrap())
        };
        assert!((at(-23.0, -1.0).0 - -23.0).abs() < 0.01);
        assert!((at(-1.0, -6.0).1 - -6.0).abs() < 0.01);
        let silence = Audio::new("silence", 16_000, vec![0.0; 16_000]);
        assert_eq!(normalise_loudness(&silence, -23.0, -1.0).unwrap(), silence);
    }
}
