//! Several emotions into one.

use crate::EmotionError;
use esarm_values::{EMOTIONS, Emotion, FrameRate};

/// Most frames of a mix: three hours at 60 a second.
const MAX_FRAMES: i64 = 3 * 3600 * 60;

/// Mixes emotions by weights over time: `sum of w_k e_k / max(1, sum of w_k)`, so that weights of up to 1 in all leave
/// the rest neutral and more are shared out. Negative weights count as 0.
///
/// The mix has the highest of the rates (the first of equals) and covers the time of all emotions; outside of its
/// time an emotion holds its nearest frame. `moving` adds a rate and a stretch of clip time in seconds to these, for
/// weights that move. `weight` gives the weight of an emotion, by position, at a clip time in seconds.
pub fn mix(
    emotions: &[&Emotion],
    moving: Option<(FrameRate, f64, f64)>,
    weight: impl Fn(usize, f64) -> f64,
) -> Result<Emotion, EmotionError> {
    let spans = emotions.iter().filter(|emotion| emotion.track().frame_count() > 0).map(|emotion| {
        let (rate, last) = (emotion.track().rate(), emotion.track().end_frame() - 1);
        (rate, rate.secs_of(emotion.track().start_frame()), rate.secs_of(last))
    });
    let spans: Vec<(FrameRate, f64, f64)> = spans.chain(moving).collect();
    let faster = |a: FrameRate, b: FrameRate| if b.frames_per_sec() > a.frames_per_sec() { b } else { a };
    let rate = spans.iter().map(|span| span.0).reduce(faster).ok_or(EmotionError::NothingToMix)?;
    let start_secs = spans.iter().map(|span| span.1).fold(f64::INFINITY, f64::min);
    let end_secs = spans.iter().map(|span| span.2).fold(f64::NEG_INFINITY, f64::max);
    let first = (start_secs * rate.frames_per_sec() + 1e-6).floor() as i64;
    let last = (end_secs * rate.frames_per_sec() - 1e-6).ceil() as i64;
    EmotionError::unless_within("frames", (last - first) as f64, 0.0, MAX_FRAMES as f64)?;
    let frames = (first..=last).flat_map(|frame| mixed_at(emotions, rate.secs_of(frame), &weight));
    Ok(Emotion::from_frames(rate, frames.collect()).starting_at(first))
}

fn mixed_at(
    emotions: &[&Emotion],
    time_secs: f64,
    weight: &impl Fn(usize, f64) -> f64,
) -> [f32; EMOTIONS.len()] {
    let mut sums = [0.0_f64; EMOTIONS.len()];
    let mut total = 0.0;
    for (index, emotion) in emotions.iter().enumerate() {
        let weight = weight(index, time_secs);
        let weight = if weight.is_finite() { weight.max(0.0) } else { 0.0 };
        total += weight;
        sums.iter_mut()
            .zip(emotion.weights_at(time_secs))
            .for_each(|(sum, value)| *sum += weight * f64::from(value));
    }
    sums.map(|sum| (sum / f64::max(total, 1.0)) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label;

    #[test]
    fn weights_leave_the_rest_neutral_or_share_out() {
        let (happy, sad) = (label("happy", 1.0).unwrap(), label("sad", 0.5).unwrap());
        let half = mix(&[&happy, &sad], None, |_, _| 0.25).unwrap().weights_at(0.0);
        assert_eq!((half[1], half[2]), (0.25, 0.125));
        let shared = mix(&[&happy, &sad], None, |_, _| 2.0).unwrap().weights_at(0.0);
        assert_eq!((shared[1], shared[2]), (0.5, 0.25));
        let one = mix(&[&happy, &sad], None, |index, _| [1.0, -3.0][index]).unwrap();
        assert_eq!(one.weights_at(5.0), happy.weights_at(5.0));
        assert_eq!(mix(&[], None, |_, _| 1.0).unwrap_err(), EmotionError::NothingToMix);
    }

    #[test]
    fn the_mix_has_the_finest_rate_and_all_the_time() {
        let ramp: Vec<f32> =
            (0..30).flat_map(|frame| [0.0, frame as f32 / 30.0, 0., 0., 0., 0., 0., 0.]).collect();
        let moving = Emotion::from_frames(FrameRate::whole(30), ramp).starting_at(60);
        let still = label("sad", 1.0).unwrap();
        let mixed = mix(&[&still, &moving], None, |_, _| 0.5).unwrap();
        assert_eq!(mixed.track().rate(), FrameRate::whole(30));
        assert_eq!((mixed.track().start_frame(), mixed.track().end_frame()), (0, 90));
        assert!((mixed.weights_at(2.5)[1] - 0.25).abs() < 1e-6);
        let faded = mix(&[&still], Some((FrameRate::whole(60), 0.0, 1.0)), |_, time| 1.0 - time).unwrap();
        assert_eq!((faded.track().rate(), faded.track().frame_count()), (FrameRate::whole(60), 61));
        assert!((faded.weights_at(0.25)[2] - 0.75).abs() < 1e-6);
    }
}
