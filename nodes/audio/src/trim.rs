//! Trimming: a clip without what comes before and after the speech.

use crate::AudioError;
use esarm_values::Audio;

/// Frames over which loudness at the ends is judged.
const FRAME_SECS: f64 = 0.010;

/// The part of a clip from `start_secs` to `end_secs`, as a clip of its own that begins at 0.
pub fn trim(audio: &Audio, start_secs: f64, end_secs: Option<f64>) -> Result<Audio, AudioError> {
    let last_secs = audio.start_secs() + audio.duration_secs();
    let end_secs = end_secs.unwrap_or(last_secs);
    let allowed = format!("at least 0 and within the clip of {last_secs:.3} s");
    AudioError::unless((0.0..=last_secs).contains(&start_secs), "start_secs", start_secs, allowed)?;
    let allowed = format!("after start_secs = {start_secs}");
    AudioError::unless(end_secs > start_secs || audio.samples.is_empty(), "end_secs", end_secs, allowed)?;
    let index = |secs: f64| (secs * f64::from(audio.sample_rate_hz)).round().min(9e15) as i64;
    Ok(Audio { start_sample: 0, ..audio.window(index(start_secs), index(end_secs)) })
}

/// The clip without the silence at its ends, as a clip of its own that begins at 0.
///
/// Silent are frames of 10 ms whose power lies more than `threshold_db` (above 0) below that of the loudest;
/// `keep_secs` of the silence stay on both sides. A clip that is silent throughout stays whole.
pub fn trim_silence(audio: &Audio, threshold_db: f64, keep_secs: f64) -> Result<Audio, AudioError> {
    AudioError::unless(
        (1.0..=120.0).contains(&threshold_db),
        "threshold_db",
        threshold_db,
        "between 1 and 120",
    )?;
    AudioError::unless((0.0..=3600.0).contains(&keep_secs), "keep_secs", keep_secs, "between 0 and 3600")?;
    let frame = ((FRAME_SECS * f64::from(audio.sample_rate_hz)).round() as usize).max(1);
    let power = |samples: &[f32]| {
        samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / samples.len() as f64
    };
    let powers: Vec<f64> = audio.samples.chunks(frame).map(power).collect();
    let gate = powers.iter().copied().fold(0.0, f64::max) * 10.0_f64.powf(-threshold_db / 10.0);
    let is_loud = |power: &f64| *power > gate;
    let (Some(first), Some(last)) = (powers.iter().position(is_loud), powers.iter().rposition(is_loud))
    else {
        return Ok(Audio { start_sample: 0, ..audio.clone() });
    };
    let keep = (keep_secs * f64::from(audio.sample_rate_hz)).round() as i64;
    let first = audio.start_sample + (first * frame) as i64 - keep;
    let last = audio.start_sample + ((last + 1) * frame) as i64 + keep;
    Ok(Audio { start_sample: 0, ..audio.window(first, last) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0.5 s of faint hiss, 1 s of tone, 0.7 s of silence.
    fn clip() -> Audio {
        let sample = |n: i32| match n {
            0..8000 => 0.0005 * (n % 7 - 3) as f32,
            8000..24_000 => 0.5 * (n as f32 * 0.1).sin(),
            _ => 0.0,
        };
        Audio::new("clip", 16_000, (0..35_200).map(sample).collect())
    }

    #[test]
    fn times_cut_the_clip() {
        let part = trim(&clip(), 0.25, Some(1.0)).unwrap();
        assert_eq!((part.start_sample, part.samples.len()), (0, 12_000));
        assert_eq!(part.samples, clip().samples[4000..16_000]);
        assert_eq!(trim(&clip(), 0.0, None).unwrap(), clip());
        assert_eq!(trim(&clip(), 2.0, Some(100.0)).unwrap().samples.len(), 3200);
    }

    #[test]
    fn silence_at_the_ends_goes() {
        let part = trim_silence(&clip(), 40.0, 0.0).unwrap();
        assert!((part.samples.len() as i64 - 16_000).abs() <= 160, "{}", part.samples.len());
        let part = trim_silence(&clip(), 40.0, 0.1).unwrap();
        assert!((part.samples.len() as i64 - 19_200).abs() <= 160, "{}", part.samples.len());
        let silence = Audio::new("silence", 16_000, vec![0.0; 1000]);
        assert_eq!(trim_silence(&silence, 40.0, 0.1).unwrap(), silence);
    }

    #[test]
    fn bad_settings_are_named() {
        let name = |result: Result<Audio, AudioError>| result.unwrap_err().to_string();
        assert!(name(trim(&clip(), -1.0, None)).contains("start_secs"));
        assert!(name(trim(&clip(), 9.0, None)).contains("2.200 s"));
        assert!(name(trim(&clip(), 1.0, Some(0.5))).contains("end_secs"));
        assert!(name(trim(&clip(), f64::NAN, None)).contains("start_secs"));
        assert!(name(trim_silence(&clip(), 0.0, 0.0)).contains("threshold_db"));
        assert!(name(trim_silence(&clip(), 40.0, -1.0)).contains("keep_secs"));
    }
}
