//! Disturbances of motions and emotions whose strength ranks them: the noise families of automatically ranked
//! demonstrations (D-REX: Brown, Goo, Niekum 2019, with the families that faces need).
//!
//! Tracks are `[frames, channels]`. Random numbers are keyed by seed, clip frame and channel, so a window of a clip is
//! disturbed as the whole clip would be, and the same on every device: bit for bit where words alone decide
//! ([`replacement`], [`emotion_corruption`]), within rounding where normal numbers are added. Strength 0 leaves a track
//! as it is. Nothing learns through these: no gradient flows.

#[cfg(feature = "gpu")]
mod cube;
mod settings;
mod twin;

pub use settings::{Draw, Margins, OrnsteinUhlenbeck};
pub(crate) use settings::{Drift, Hold, Segments};

#[cfg(feature = "gpu")]
pub(crate) use cube::{drift_on_cube, replace_on_cube, rotate_on_cube, taps_on_cube, white_on_cube};
pub(crate) use twin::{drift_on_flex, replace_on_flex, rotate_on_flex, taps_on_flex, white_on_flex};

use crate::KernelError;
use crate::extension::KernelOps;
use burn::backend::Dispatch;
use burn::tensor::{Tensor, TensorData};
use settings::Family;
use std::ops::RangeInclusive;

/// How far the jaw leaks open in silence at strength 1.
const FULL_LEAK: f32 = 0.3;
/// Frames of the widest average of [`over_smoothing`] beyond one.
const FULL_SMOOTHING: f32 = 15.0;

/// Independent noise: `x + strength · deviation · ε`, `ε` standard normal. `deviations`: `[channels]`, in the unit of
/// the track, such as the standard deviation of each channel over recorded motion.
///
/// # Errors
/// When there is not one deviation per channel, or a setting is out of range.
pub fn white(track: Tensor<2>, deviations: Tensor<1>, draw: Draw) -> Result<Tensor<2>, KernelError> {
    draw.check()?;
    check_channels("deviations", &deviations, &track)?;
    if track.dims().contains(&0) {
        return Ok(track);
    }
    Ok(Tensor::from_dispatch(Dispatch::perturb_white(
        track.into_dispatch(),
        (deviations * draw.strength).into_dispatch(),
        draw.source(Family::White),
        draw.first_frame,
    )))
}

/// Drifting noise: `x + n`, `n_t = n_{t-1} - θ dt n_{t-1} + strength · deviation · √dt · ε` (Uhlenbeck and Ornstein
/// 1930), in its stationary spread from the first frame on.
///
/// The noise forgets: it is computed in blocks of as many frames as it takes to forget all but a thousandth, each from
/// rest one block earlier, which makes any window as cheap as it is long.
///
/// # Errors
/// When there is not one deviation per channel, or a setting is out of range.
pub fn ornstein_uhlenbeck(
    track: Tensor<2>,
    deviations: Tensor<1>,
    noise: OrnsteinUhlenbeck,
    draw: Draw,
) -> Result<Tensor<2>, KernelError> {
    draw.check()?;
    let drift = noise.drift()?;
    check_channels("deviations", &deviations, &track)?;
    if track.dims().contains(&0) {
        return Ok(track);
    }
    Ok(Tensor::from_dispatch(Dispatch::perturb_drift(
        track.into_dispatch(),
        (deviations * (draw.strength * noise.step_secs.sqrt())).into_dispatch(),
        draw.source(Family::Drift),
        draw.first_frame,
        drift,
    )))
}

/// Frames taken from elsewhere: at any time the track is, with the probability `strength`, a random frame of `bank`
/// `[bank frames, channels]`, held for a number of frames drawn evenly from `hold_frames`. A hold of 1 frame is the
/// random action of D-REX.
///
/// # Errors
/// When the bank is empty or has other channels, or a setting is out of range.
pub fn replacement(
    track: Tensor<2>,
    bank: Tensor<2>,
    hold_frames: RangeInclusive<u32>,
    draw: Draw,
) -> Result<Tensor<2>, KernelError> {
    draw.check()?;
    let hold = Hold::new(&hold_frames, draw.strength)?;
    let [bank_frames, bank_channels] = bank.dims();
    if bank_frames == 0 || bank_channels != track.dims()[1] {
        let expected = format!("[at least 1, {}], the channels of `track`", track.dims()[1]);
        return Err(KernelError::Shape { argument: "bank", found: bank.dims().to_vec(), expected });
    }
    if track.dims().contains(&0) {
        return Ok(track);
    }
    let dtype = track.dtype();
    Ok(Tensor::from_dispatch(Dispatch::perturb_replace(
        track.into_dispatch(),
        bank.cast(dtype).into_dispatch(),
        draw.source(Family::Replacement),
        draw.first_frame,
        hold,
    )))
}

/// The wrong emotion: with the probability `strength` the columns of `emotion` `[frames, emotions]` are turned by a
/// random number of places, each stretch of `segment_frames` by its own, or the whole clip by one when that is 0.
///
/// # Errors
/// When there are fewer than two emotions, or a setting is out of range.
pub fn emotion_corruption(
    emotion: Tensor<2>,
    segment_frames: u32,
    draw: Draw,
) -> Result<Tensor<2>, KernelError> {
    draw.check()?;
    if emotion.dims()[1] < 2 {
        let expected = "[frames, at least 2 emotions]".to_owned();
        return Err(KernelError::Shape { argument: "emotion", found: emotion.dims().to_vec(), expected });
    }
    if emotion.dims()[0] == 0 {
        return Ok(emotion);
    }
    let segments = Segments::new(segment_frames, draw);
    Ok(Tensor::from_dispatch(Dispatch::perturb_rotate(
        emotion.into_dispatch(),
        draw.source(Family::Emotion),
        segments,
    )))
}

/// The motion out of step with the sound: `shift_frames` later, or earlier when negative, with linear interpolation
/// between frames. `margins` are frames of `track` that only serve as context; those of a window should be at least
/// `|shift_frames|` rounded up. Before the first and after the last frame of `track` that frame holds.
///
/// # Errors
/// When the margins are longer than the track, or the shift is longer than 10000 frames.
pub fn desync(track: Tensor<2>, shift_frames: f32, margins: Margins) -> Result<Tensor<2>, KernelError> {
    let allowed = "between -10000 and 10000";
    KernelError::unless(shift_frames.abs() <= 10_000.0, "shift_frames", shift_frames, allowed)?;
    let first = (-shift_frames).floor();
    let fraction = -shift_frames - first;
    weighted_sum(track, &[1.0 - fraction, fraction], first as i64, margins)
}

/// The motion without its quick parts: the mean over `1 + round(15 strength)` frames around each, of which an even
/// number has one more before than after. `margins` are frames of `track` that only serve as context; those of a window
/// should be 8. Before the first and after the last frame of `track` that frame holds.
///
/// # Errors
/// When the margins are longer than the track, or the strength is outside 0..=1.
pub fn over_smoothing(track: Tensor<2>, strength: f32, margins: Margins) -> Result<Tensor<2>, KernelError> {
    settings::check_strength(strength)?;
    let width = 1 + (FULL_SMOOTHING * strength).round() as usize;
    weighted_sum(track, &vec![1.0 / width as f32; width], -((width / 2) as i64), margins)
}

/// The motion too strong or too weak: channels times `1 ± strength · share`, the sign drawn from the seed. `shares`:
/// `[channels]`, 1 where the channel is scaled (such as the mouth) and 0 where it stays.
///
/// # Errors
/// When there is not one share per channel, or a setting is out of range.
pub fn amplitude(track: Tensor<2>, shares: Tensor<1>, draw: Draw) -> Result<Tensor<2>, KernelError> {
    draw.check()?;
    check_channels("shares", &shares, &track)?;
    let up = draw.source(Family::Amplitude).words(0)[0] >> 31 == 1;
    let gains = shares * if up { draw.strength } else { -draw.strength } + 1.0;
    Ok(track * gains.unsqueeze_dim::<2>(0))
}

/// The mouth open in silence: `x + 0.3 · strength · silence · share`. `silence`: `[frames]`, 1 where nothing is said;
/// `shares`: `[channels]`, 1 for the opening of the jaw.
///
/// # Errors
/// When `silence` or `shares` do not fit the track, or the strength is outside 0..=1.
pub fn mouth_leak(
    track: Tensor<2>,
    silence: Tensor<1>,
    shares: Tensor<1>,
    strength: f32,
) -> Result<Tensor<2>, KernelError> {
    settings::check_strength(strength)?;
    check_channels("shares", &shares, &track)?;
    if silence.dims()[0] != track.dims()[0] {
        let expected = format!("[{}], the frames of `track`", track.dims()[0]);
        return Err(KernelError::Shape { argument: "silence", found: silence.dims().to_vec(), expected });
    }
    let leaks = (shares * (FULL_LEAK * strength)).unsqueeze_dim::<2>(0);
    Ok(track + silence.unsqueeze_dim::<2>(1) * leaks)
}

fn check_channels(
    argument: &'static str,
    of_channels: &Tensor<1>,
    track: &Tensor<2>,
) -> Result<(), KernelError> {
    let channels = track.dims()[1];
    if of_channels.dims() == [channels] {
        return Ok(());
    }
    let expected = format!("[{channels}], a value for each channel of `track`");
    Err(KernelError::Shape { argument, found: of_channels.dims().to_vec(), expected })
}

/// `y_t = Σ_k taps[k] · x[t + first + k]`, where the ends of `track` hold, without the margins.
fn weighted_sum(
    track: Tensor<2>,
    taps: &[f32],
    first: i64,
    margins: Margins,
) -> Result<Tensor<2>, KernelError> {
    let [frames, channels] = track.dims();
    let kept = margins.kept_of(frames)?;
    if kept.is_empty() || channels == 0 {
        return Ok(Tensor::zeros([kept.len(), channels], (&track.device(), track.dtype())));
    }
    let data = TensorData::new(taps.to_vec(), [taps.len()]);
    let taps: Tensor<1> = Tensor::from_data(data, (&track.device(), track.dtype()));
    let first = first + kept.start as i64;
    let summed = Dispatch::perturb_taps(track.into_dispatch(), taps.into_dispatch(), first, kept.len());
    Ok(Tensor::from_dispatch(summed))
}
