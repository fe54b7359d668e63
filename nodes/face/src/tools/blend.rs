//! Two motions blended by a weight.

use super::track_of;
use esarm_values::Track;

/// A weight that may change over time.
#[derive(Clone, Copy)]
pub enum Weight<'a> {
    /// The same at all times.
    Constant(f32),
    /// The first channel of a track.
    Curve(&'a Track),
    /// A function of the clip time in seconds.
    Function(&'a (dyn Fn(f64) -> f32 + 'a)),
}

impl std::fmt::Debug for Weight<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Constant(weight) => write!(f, "Constant({weight})"),
            Self::Curve(_) => f.write_str("Curve"),
            Self::Function(_) => f.write_str("Function"),
        }
    }
}

impl Weight<'_> {
    /// The weight at a clip time in seconds; a curve without channels gives 0.
    pub fn at(&self, time_secs: f64) -> f32 {
        match self {
            Self::Constant(weight) => *weight,
            Self::Curve(curve) => curve.sample(time_secs).first().copied().unwrap_or(0.0),
            Self::Function(function) => function(time_secs),
        }
    }
}

/// Gives `from` at weight 0, `to` at weight 1, and the straight line between and beyond.
///
/// The result has the frames of `from` and the channels of both; a channel that one motion lacks is 0 in it. When `to`
/// has another frame rate it is interpolated.
pub fn blend(from: &Track, to: &Track, weight: Weight<'_>) -> Track {
    let channels = common_channels(from, to);
    let mut other = vec![0.0; to.channels().len()];
    let mut values = Vec::with_capacity(from.frame_count() * channels.len());
    for index in 0..from.frame_count() {
        let time_secs = from.rate().secs_of(from.start_frame() + index as i64);
        to.sample_into(time_secs, &mut other);
        let weight = weight.at(time_secs);
        let frame = from.frame(index);
        values.extend(channels.iter().map(|(_, a, b)| {
            let a = a.map_or(0.0, |column| frame[column]);
            let b = b.map_or(0.0, |column| other[column]);
            a + (b - a) * weight
        }));
    }
    let names = channels.into_iter().map(|(name, ..)| name).collect();
    track_of(from.rate(), from.start_frame(), names, values)
}

/// The channels of `first`, then those that only `second` has, with their columns in each; names match in any case.
pub(super) fn common_channels(first: &Track, second: &Track) -> Vec<(String, Option<usize>, Option<usize>)> {
    let find = |track: &Track, name: &str| {
        track.channels().iter().position(|channel| channel.eq_ignore_ascii_case(name))
    };
    let shared = first.channels().iter().enumerate();
    let mut channels: Vec<_> =
        shared.map(|(column, name)| (name.clone(), Some(column), find(second, name))).collect();
    let own = second.channels().iter().enumerate().filter(|(_, name)| find(first, name).is_none());
    channels.extend(own.map(|(column, name)| (name.clone(), None, Some(column))));
    channels
}

#[cfg(test)]
mod tests {
    use super::*;
    use esarm_values::FrameRate;

    fn track(name: &str, rate: u32, values: &[f32]) -> Track {
        track_of(FrameRate::whole(rate), 0, vec![name.to_owned()], values.to_vec())
    }

    #[test]
    fn ends_are_exact_and_the_middle_is_halfway() {
        let (a, b) = (track("jawOpen", 30, &[0.1, 0.3]), track("JawOpen", 30, &[0.5, 0.7]));
        assert_eq!(blend(&a, &b, Weight::Constant(0.0)), a);
        assert_eq!(blend(&a, &b, Weight::Constant(1.0)).values(), b.values());
        assert_eq!(blend(&a, &b, Weight::Constant(0.5)).values(), [0.3, 0.5]);
    }

    #[test]
    fn a_curve_fades_and_other_rates_are_interpolated() {
        let (a, b) = (track("jawOpen", 2, &[0.0, 0.0, 0.0]), track("jawOpen", 1, &[0.0, 1.0]));
        let curve = track("weight", 1, &[0.0, 1.0]);
        assert_eq!(blend(&a, &b, Weight::Curve(&curve)).values(), [0.0, 0.25, 1.0]);
        let late = |time_secs: f64| if time_secs < 0.75 { 0.0 } else { 1.0 };
        assert_eq!(blend(&a, &b, Weight::Function(&late)).values(), [0.0, 0.0, 1.0]);
    }

    #[test]
    fn channels_of_both_are_kept() {
        let (a, b) = (track("jawOpen", 30, &[1.0]), track("tongueOut", 30, &[1.0]));
        let mixed = blend(&a, &b, Weight::Constant(0.25));
        assert_eq!(**mixed.channels(), ["jawOpen".to_owned(), "tongueOut".to_owned()]);
        assert_eq!(mixed.values(), [0.75, 0.25]);
    }
}
