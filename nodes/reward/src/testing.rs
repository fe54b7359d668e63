//! Small clips that several tests use.

use crate::demonstrations::{Base, Demonstrations, RankSettings, rank};
use esarm_kernels::random::Random;
use esarm_values::{Audio, Emotion, FrameRate, Track};

/// Speech-like noise whose loudness swings irregularly, with a pause, and a jaw that follows it; with brows and smile that
/// waver.
pub(crate) fn talking(seed: u64, secs: f64) -> (Audio, Track) {
    let random = Random::new(seed, 0);
    let [a, b, c, _] = random.uniforms(0).map(f64::from);
    let swing = move |time: f64| {
        if (time - 0.7).abs() < 0.35 {
            return 0.0;
        }
        let wave = (time * (9.0 + 6.0 * a) + 5.0 * b).sin() + (time * (14.0 + 5.0 * c) + 9.0 * a).sin();
        (0.5 + 0.35 * wave).clamp(0.0, 1.0)
    };
    let noise = random.split(1);
    let samples = (0..(secs * 16_000.0) as u64).map(|i| {
        let loudness = 0.2 * swing(i as f64 / 16_000.0);
        (loudness.powi(2) * f64::from(noise.normal(i))) as f32
    });
    let rate = FrameRate::whole(30);
    let names = ["jawOpen", "mouthSmileLeft", "mouthSmileRight", "browInnerUp"].map(str::to_owned).to_vec();
    let values = (0..rate.frames_in(secs) as i64).flat_map(|frame| {
        let time = rate.secs_of(frame);
        let smile = 0.3 + 0.05 * (time * 2.0 + a).sin();
        [0.5 * swing(time), smile, smile, 0.1 + 0.05 * (time * 3.0 + b).cos()].map(|value| value as f32)
    });
    let motion = Track::new(rate, names, values.collect()).unwrap();
    (Audio::new(format!("clip {seed}"), 16_000, samples.collect()), motion)
}

/// Ranked demonstrations of [`talking`].
pub(crate) fn demonstrations(seed: u64, secs: f64, settings: &RankSettings) -> Demonstrations {
    let (audio, motion) = talking(seed, secs);
    let base = Base::demonstration("", &motion);
    rank(&audio.name, &[base], Some(&audio), Some(&Emotion::constant(1, 0.5)), settings).unwrap()
}
