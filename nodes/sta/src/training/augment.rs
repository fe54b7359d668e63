//! Changes of sound that leave the phones as they are: level, noise, colour, band limits and echo.

use crate::generator::features::SAMPLE_RATE_HZ;
use esarm_kernels::random::Random;

/// Share of examples of which only the level changes.
const PLAIN_SHARE: f32 = 0.4;

/// Changes the sound of `samples` in place, as drawn from `random`.
pub(super) fn disguise(samples: &mut [f32], random: Random) {
    let gain = 10_f32.powf(random.between(12, -26.0, 8.0) / 20.0);
    samples.iter_mut().for_each(|sample| *sample *= gain);
    if random.uniform(13) < PLAIN_SHARE {
        clip(samples);
        return;
    }
    let chance = |counter: u64, share: f32| random.uniform(counter) < share;
    if chance(0, 0.5) {
        tilt(samples, random.between(1, -0.6, 0.75));
    }
    if chance(2, 0.35) {
        let cutoff_hz = 10_f32.powf(random.between(3, 3.45, 3.88));
        low_pass(samples, cutoff_hz);
    }
    if chance(4, 0.25) {
        high_pass(samples, random.between(5, 60.0, 280.0));
    }
    if chance(6, 0.35) {
        echo(samples, random.between(7, 0.008, 0.045), random.between(8, 0.1, 0.4));
    }
    if chance(9, 0.75) {
        add_noise(samples, random.between(10, 14.0, 48.0), random.between(11, 0.0, 0.97), random.split(1));
    }
    clip(samples);
}

fn clip(samples: &mut [f32]) {
    samples.iter_mut().for_each(|sample| *sample = sample.clamp(-1.0, 1.0));
}

/// First-order tilt of the spectrum: below 0 duller, above 0 brighter.
fn tilt(samples: &mut [f32], amount: f32) {
    let mut before = 0.0;
    for sample in samples {
        let now = *sample;
        *sample = now - amount * before;
        before = now;
    }
}

fn low_pass(samples: &mut [f32], cutoff_hz: f32) {
    let share = 1.0 - (-std::f32::consts::TAU * cutoff_hz / SAMPLE_RATE_HZ as f32).exp();
    for _ in 0..3 {
        let mut state = 0.0;
        for sample in samples.iter_mut() {
            state += share * (*sample - state);
            *sample = state;
        }
    }
}

fn high_pass(samples: &mut [f32], cutoff_hz: f32) {
    let share = 1.0 - (-std::f32::consts::TAU * cutoff_hz / SAMPLE_RATE_HZ as f32).exp();
    let mut state = 0.0;
    for sample in samples {
        state += share * (*sample - state);
        *sample -= state;
    }
}

/// A short room: a few decaying reflections.
fn echo(samples: &mut [f32], delay_secs: f32, strength: f32) {
    let delay = (delay_secs * SAMPLE_RATE_HZ as f32) as usize;
    for at in delay..samples.len() {
        samples[at] += strength * samples[at - delay];
    }
}

/// Noise at `ratio_db` under the sound's mean power; `colour` 0 is white, near 1 is a rumble.
fn add_noise(samples: &mut [f32], ratio_db: f32, colour: f32, random: Random) {
    let power = samples.iter().map(|x| x * x).sum::<f32>() / samples.len().max(1) as f32;
    let colour = colour.powi(2);
    // A coloured noise of unit innovation has the power 1 / (1 - colour²).
    let amplitude = (power.max(1e-8) * (1.0 - colour * colour)).sqrt() * 10_f32.powf(-ratio_db / 20.0);
    let mut state = 0.0;
    for (block, samples) in samples.chunks_mut(4).enumerate() {
        for (sample, draw) in samples.iter_mut().zip(random.uniforms(block as u64)) {
            state = colour * state + (draw - 0.5) * 3.46;
            *sample += amplitude * state;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_stays_within_full_scale_and_differs_by_draw() {
        let tone: Vec<f32> = (0..16_000).map(|n| (n as f32 * 0.2).sin() * 0.5).collect();
        let disguised = |stream: u64| {
            let mut samples = tone.clone();
            disguise(&mut samples, Random::new(1, stream));
            samples
        };
        assert!((0..20).all(|stream| disguised(stream).iter().all(|x| x.is_finite() && x.abs() <= 1.0)));
        assert_ne!(disguised(1), disguised(2));
    }
}
