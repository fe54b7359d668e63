//! Integrated loudness by ITU-R BS.1770-4 / EBU R 128, for mono.
//!
//! Audio passes the K-weighting (a shelf that stands for the head, then a high-pass), its power is taken over blocks
//! of 400 ms every 100 ms, and `-0.691 + 10 log10(mean power)` is averaged over the blocks above -70 LUFS and then over
//! those above the mean of these less 10 LU.

use esarm_values::Audio;
use std::f64::consts::PI;

/// Blocks below this do not count, in LUFS.
const ABSOLUTE_GATE_LUFS: f64 = -70.0;
/// Blocks so far below the mean of the others do not count, in LU.
const RELATIVE_GATE_LU: f64 = -10.0;
/// Steps of 100 ms in a block.
const STEPS_A_BLOCK: usize = 4;

/// Integrated loudness in LUFS; `None` where nothing is above -70 LUFS. A clip shorter than a block is one block.
pub fn integrated_loudness(audio: &Audio) -> Option<f64> {
    let powers = block_powers(audio);
    let absolute = mean_above(&powers, power_of(ABSOLUTE_GATE_LUFS))?;
    let gate = power_of(ABSOLUTE_GATE_LUFS).max(absolute * 10.0_f64.powf(RELATIVE_GATE_LU / 10.0));
    mean_above(&powers, gate).map(loudness_of)
}

fn loudness_of(power: f64) -> f64 {
    -0.691 + 10.0 * power.log10()
}

fn power_of(lufs: f64) -> f64 {
    10.0_f64.powf((lufs + 0.691) / 10.0)
}

fn mean_above(powers: &[f64], gate: f64) -> Option<f64> {
    let loud: Vec<f64> = powers.iter().copied().filter(|power| *power > gate).collect();
    (!loud.is_empty()).then(|| loud.iter().sum::<f64>() / loud.len() as f64)
}

/// Mean K-weighted power of each block.
fn block_powers(audio: &Audio) -> Vec<f64> {
    let rate_hz = f64::from(audio.sample_rate_hz);
    let mut filters = [Biquad::head_shelf(rate_hz), Biquad::high_pass(rate_hz)];
    let step_end = |step: usize| ((step + 1) as f64 * 0.1 * rate_hz).round() as usize;
    let (mut steps, mut energy, mut total) = (Vec::new(), 0.0, 0.0);
    for (index, sample) in audio.samples.iter().enumerate() {
        let weighted = filters.iter_mut().fold(f64::from(*sample), |value, filter| filter.process(value));
        energy += weighted * weighted;
        total += weighted * weighted;
        if index + 1 == step_end(steps.len()) {
            steps.push(energy);
            energy = 0.0;
        }
    }
    if steps.len() < STEPS_A_BLOCK {
        return vec![total / audio.samples.len().max(1) as f64];
    }
    let block_samples = 0.1 * STEPS_A_BLOCK as f64 * rate_hz;
    steps.windows(STEPS_A_BLOCK).map(|block| block.iter().sum::<f64>() / block_samples).collect()
}

/// A second-order filter in transposed direct form II.
struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
    state: [f64; 2],
}

impl Biquad {
    /// The shelf of +4 dB above 1.7 kHz. Its analogue prototype was fitted so that 48 kHz gives the recommendation's
    /// coefficients.
    fn head_shelf(rate_hz: f64) -> Self {
        const CENTRE_HZ: f64 = 1_681.974_450_955_533;
        const GAIN_DB: f64 = 3.999_843_853_973_347;
        const QUALITY: f64 = 0.707_175_236_955_419_6;
        let k = (PI * CENTRE_HZ / rate_hz).tan();
        let high = 10.0_f64.powf(GAIN_DB / 20.0);
        let band = high.powf(0.499_666_774_154_541_6);
        let scale = 1.0 / (1.0 + k / QUALITY + k * k);
        Self {
            b: [
                (high + band * k / QUALITY + k * k) * scale,
                2.0 * (k * k - high) * scale,
                (high - band * k / QUALITY + k * k) * scale,
            ],
            a: [2.0 * (k * k - 1.0) * scale, (1.0 - k / QUALITY + k * k) * scale],
            state: [0.0; 2],
        }
    }

    /// The high-pass at 38 Hz, fitted in the same way.
    fn high_pass(rate_hz: f64) -> Self {
        const CORNER_HZ: f64 = 38.135_470_876_024_44;
        const QUALITY: f64 = 0.500_327_037_323_877_3;
        let k = (PI * CORNER_HZ / rate_hz).tan();
        let scale = 1.0 / (1.0 + k / QUALITY + k * k);
        Self {
            b: [1.0, -2.0, 1.0],
            a: [2.0 * (k * k - 1.0) * scale, (1.0 - k / QUALITY + k * k) * scale],
            state: [0.0; 2],
        }
    }

    fn process(&mut self, input: f64) -> f64 {
        let output = self.b[0] * input + self.state[0];
        self.state[0] = self.b[1] * input - self.a[0] * output + self.state[1];
        self.state[1] = self.b[2] * input - self.a[1] * output;
        output
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The signals of `tests/reference/loudness.py`.
    fn signal(case: &str, rate_hz: u32, count: usize) -> Audio {
        let mut noise = 1_u32;
        let sample = |n: usize| {
            let secs = n as f64 / f64::from(rate_hz);
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let hiss = f64::from(noise) / 4_294_967_296.0 - 0.5;
            let value = match case {
                "tone" => 0.1 * (2.0 * PI * 997.0 * secs).sin(),
                "noise" => 0.3 * hiss,
                _ => {
                    if secs % 2.0 < 1.0 {
                        0.4 * hiss
                    } else {
                        0.002 * hiss
                    }
                }
            };
            (value * 32_768.0).round() as f32 / 32_768.0
        };
        Audio::new(case, rate_hz, (0..count).map(sample).collect())
    }

    #[test]
    fn loudness_agrees_with_ffmpeg() {
        let reference: serde_json::Value =
            serde_json::from_str(include_str!("../tests/reference/loudness.json")).unwrap();
        let cases = reference["cases"].as_array().unwrap();
        assert!(cases.len() >= 6);
        for case in cases {
            let (name, rate_hz) =
                (case["signal"].as_str().unwrap(), case["sample_rate_hz"].as_u64().unwrap() as u32);
            let audio = signal(name, rate_hz, case["sample_count"].as_u64().unwrap() as usize);
            let (found, expected) = (integrated_loudness(&audio).unwrap(), case["lufs"].as_f64().unwrap());
            assert!(
                (found - expected).abs() <= 0.1,
                "{name} at {rate_hz} Hz: {found} LUFS, ffmpeg {expected}"
            );
        }
    }

    #[test]
    fn a_full_tone_has_its_textbook_loudness() {
        // BS.1770: a 997 Hz tone at 0 dBFS in one channel reads -3.01 LUFS.
        let sample = |n: usize| (2.0 * PI * 997.0 * n as f64 / 48_000.0).sin() as f32;
        let audio = Audio::new("tone", 48_000, (0..96_000).map(sample).collect());
        assert!((integrated_loudness(&audio).unwrap() - -3.01).abs() < 0.02);
    }

    #[test]
    fn the_filter_has_the_coefficients_of_the_recommendation() {
        let shelf = Biquad::head_shelf(48_000.0);
        let expected = [1.535_124_859_586_97, -2.691_696_189_406_38, 1.198_392_810_852_85];
        assert!(
            shelf.b.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-6),
            "{:?}",
            shelf.b
        );
        let pass = Biquad::high_pass(48_000.0);
        let expected = [-1.990_047_454_833_98, 0.990_072_250_366_21];
        assert!(
            pass.a.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-6),
            "{:?}",
            pass.a
        );
    }

    #[test]
    fn silence_has_no_loudness_and_short_clips_have_one() {
        assert_eq!(integrated_loudness(&Audio::new("", 16_000, vec![])), None);
        assert_eq!(integrated_loudness(&Audio::new("", 16_000, vec![0.0; 32_000])), None);
        assert!(integrated_loudness(&signal("noise", 16_000, 1600)).is_some());
    }
}
