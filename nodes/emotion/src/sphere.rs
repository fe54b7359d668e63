//! The sphere of arousal, valence and dominance: its centre is neutral, the direction from it is the kind of emotion
//! and the distance is its intensity.
//!
//! After EmoSphere-TTS (Cho et al., Interspeech 2024), whose neutral centre and octants are used; the anchors of the
//! emotions are rounded ratings in the same space.

use crate::EmotionError;
use crate::curve::sampled;
use esarm_graph::Interpolation;
use esarm_kernels::sphere;
use esarm_values::{EMOTIONS, Emotion};
use std::f64::consts::{FRAC_PI_2, PI};

/// Arousal, valence and dominance of a neutral voice, each 0..1.
pub const NEUTRAL_CENTRE: [f64; 3] = [0.4135, 0.5169, 0.3620];
/// Distance from the centre that counts as full intensity.
pub const FULL_DISTANCE: f64 = 0.5;
/// Sharpness with which a direction picks the emotions near it.
pub const DEFAULT_SHARPNESS: f64 = 6.0;
/// Arousal, valence and dominance of each of [`EMOTIONS`] after the first, which is the centre.
const ANCHORS: [[f64; 3]; EMOTIONS.len() - 1] = [
    [0.70, 0.85, 0.65],
    [0.25, 0.20, 0.25],
    [0.80, 0.20, 0.80],
    [0.75, 0.20, 0.20],
    [0.50, 0.20, 0.50],
    [0.80, 0.60, 0.40],
    [0.40, 0.30, 0.70],
];

/// A point of the sphere in arousal, valence and dominance, relative to neutral: length 1 is full intensity.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// Calm to excited.
    pub arousal: f64,
    /// Unpleasant to pleasant.
    pub valence: f64,
    /// Submissive to in control.
    pub dominance: f64,
}

/// The same point by direction and distance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spherical {
    /// Distance from neutral: the intensity, at least 0.
    pub radius: f64,
    /// Angle from the dominance axis in radians, 0..π.
    pub polar: f64,
    /// Angle from the arousal axis towards the valence axis in radians, -π..π.
    pub azimuth: f64,
}

impl Point {
    /// The point of absolute ratings, each 0..1.
    pub fn from_ratings(arousal: f64, valence: f64, dominance: f64) -> Self {
        let relative = |rating: f64, axis: usize| (rating - NEUTRAL_CENTRE[axis]) / FULL_DISTANCE;
        Self {
            arousal: relative(arousal, 0),
            valence: relative(valence, 1),
            dominance: relative(dominance, 2),
        }
    }

    /// The point of an emotion of [`EMOTIONS`] at an intensity; neutral is the centre.
    ///
    /// # Panics
    /// When `column` is no column of [`EMOTIONS`].
    pub fn of_emotion(column: usize, intensity: f64) -> Self {
        assert!(column < EMOTIONS.len(), "column {column} is no emotion");
        column.checked_sub(1).map_or(Self::default(), |anchor| {
            let [arousal, valence, dominance] = ANCHORS[anchor];
            Self::from_ratings(arousal, valence, dominance).unit().scaled(intensity)
        })
    }

    /// Distance from neutral.
    pub fn length(self) -> f64 {
        sphere::length(self.axes())
    }

    /// Direction and distance; the centre has direction 0.
    pub fn to_spherical(self) -> Spherical {
        let [radius, polar, azimuth] = sphere::to_spherical(self.axes());
        Spherical { radius, polar, azimuth }
    }

    /// The octant: 0..3 for high and 4..7 for low dominance, each counted from excited and pleasant by way of calm
    /// and pleasant, and calm and unpleasant, to excited and unpleasant. It does not depend on the distance.
    pub fn octant(self) -> usize {
        let quarter = match (self.arousal >= 0.0, self.valence >= 0.0) {
            (true, true) => 0,
            (false, true) => 1,
            (false, false) => 2,
            (true, false) => 3,
        };
        quarter + if self.dominance >= 0.0 { 0 } else { 4 }
    }

    /// Soft weights in the order of [`EMOTIONS`]: neutral has `1 - r` and the others share `r` in proportion to
    /// `exp(sharpness * cosine to their anchor)`, where `r` is the distance, at most 1. They sum to 1.
    pub fn weights(self, sharpness: f64) -> [f32; EMOTIONS.len()] {
        let radius = self.length().min(1.0);
        let direction = self.unit();
        let likeness: [f64; EMOTIONS.len()] = std::array::from_fn(|column| match column {
            0 => 0.0,
            _ => (sharpness * (direction.dot(Self::of_emotion(column, 1.0)) - 1.0)).exp(),
        });
        let sum: f64 = likeness.iter().sum();
        std::array::from_fn(|column| {
            let weight = if column == 0 { 1.0 - radius } else { radius * likeness[column] / sum };
            weight as f32
        })
    }

    /// The point a fraction of the way to another: the direction turns on the great circle, the distance changes
    /// evenly. From or to the centre, and between opposite directions, it goes straight.
    pub fn slerp(self, other: Self, fraction: f64) -> Self {
        Self::of_axes(sphere::slerp(self.axes(), other.axes(), fraction))
    }

    /// The same direction at length 1; the centre stays.
    pub fn unit(self) -> Self {
        Self::of_axes(sphere::unit(self.axes()))
    }

    fn dot(self, other: Self) -> f64 {
        sphere::dot(self.axes(), other.axes())
    }

    fn scaled(self, factor: f64) -> Self {
        Self::of_axes(sphere::scaled(self.axes(), factor))
    }

    fn axes(self) -> [f64; 3] {
        [self.arousal, self.valence, self.dominance]
    }

    fn of_axes([arousal, valence, dominance]: [f64; 3]) -> Self {
        Self { arousal, valence, dominance }
    }
}

impl Spherical {
    /// The point in that direction at that distance.
    pub fn to_point(self) -> Point {
        Point::of_axes(sphere::to_cartesian([self.radius, self.polar, self.azimuth]))
    }

    /// The direction of an octant's middle, see [`Point::octant`], at a distance.
    pub fn of_octant(octant: usize, radius: f64) -> Result<Self, EmotionError> {
        EmotionError::unless_within("octant", octant as f64, 0.0, 7.0)?;
        let polar = if octant < 4 { PI / 4.0 } else { 3.0 * PI / 4.0 };
        let turns = (octant % 4) as f64;
        let azimuth = PI / 4.0 + turns * FRAC_PI_2;
        Ok(Self { radius, polar, azimuth: if azimuth > PI { azimuth - 2.0 * PI } else { azimuth } })
    }
}

/// A point at a clip time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PathKey {
    /// Clip time in seconds.
    pub time_secs: f64,
    /// Where the path is then.
    pub point: Point,
    /// How it goes on to the next key.
    pub interpolation: Interpolation,
}

/// The emotion along a path through keys in rising time, which turns on the sphere ([`Point::slerp`]) and is sampled
/// at [`crate::CURVE_RATE`] from `start_secs` to `end_secs`. Before the first and after the last key that key holds;
/// no keys are neutral.
pub fn path(
    keys: &[PathKey],
    sharpness: f64,
    start_secs: f64,
    end_secs: f64,
) -> Result<Emotion, EmotionError> {
    EmotionError::unless_within("sharpness", sharpness, 0.0, 50.0)?;
    sampled(start_secs, end_secs, |time_secs| point_at(keys, time_secs).weights(sharpness))
}

fn point_at(keys: &[PathKey], time_secs: f64) -> Point {
    let next = keys.partition_point(|key| key.time_secs <= time_secs);
    match (next.checked_sub(1).and_then(|index| keys.get(index)), keys.get(next)) {
        (Some(from), Some(to)) => {
            let fraction = (time_secs - from.time_secs) / (to.time_secs - from.time_secs);
            from.point.slerp(to.point, from.interpolation.ease(fraction))
        }
        (Some(key), None) | (None, Some(key)) => key.point,
        (None, None) => Point::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(a: Point, b: Point) -> bool {
        a.axes().iter().zip(b.axes()).all(|(a, b)| (a - b).abs() < 1e-6)
    }

    proptest! {
        #[test]
        fn spherical_and_back_is_the_same_point(a in -1.0..1.0_f64, v in -1.0..1.0_f64, d in -1.0..1.0_f64) {
            let point = Point { arousal: a, valence: v, dominance: d };
            prop_assert!(close(point.to_spherical().to_point(), point));
            prop_assert_eq!(point.octant(), point.scaled(0.01).octant());
            let sum: f32 = point.weights(DEFAULT_SHARPNESS).iter().sum();
            prop_assert!((sum - 1.0).abs() < 1e-6);
        }

        #[test]
        fn slerp_keeps_ends_and_changes_the_radius_evenly(
            a in prop::array::uniform3(-1.0..1.0_f64),
            b in prop::array::uniform3(-1.0..1.0_f64),
            fraction in 0.0..1.0_f64,
        ) {
            let [from, to] = [a, b].map(|[arousal, valence, dominance]| Point { arousal, valence, dominance });
            prop_assert!(close(from.slerp(to, 0.0), from) && close(from.slerp(to, 1.0), to));
            let cosine = from.unit().dot(to.unit());
            prop_assume!(cosine > -0.999 && from.length() > 0.01 && to.length() > 0.01);
            let expected = from.length() + (to.length() - from.length()) * fraction;
            prop_assert!((from.slerp(to, fraction).length() - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn the_centre_is_neutral_whatever_the_direction() {
        for polar in [0.0, 1.0, 2.5] {
            let weights =
                Spherical { radius: 0.0, polar, azimuth: -2.0 }.to_point().weights(DEFAULT_SHARPNESS);
            assert_eq!(weights[0], 1.0);
            assert!(weights[1..].iter().all(|weight| *weight == 0.0));
        }
    }

    #[test]
    fn anchors_are_their_own_emotion() {
        for column in 1..EMOTIONS.len() {
            let weights = Point::of_emotion(column, 0.8).weights(DEFAULT_SHARPNESS);
            let strongest = (1..EMOTIONS.len()).max_by(|a, b| weights[*a].total_cmp(&weights[*b])).unwrap();
            assert_eq!(strongest, column, "{weights:?}");
            assert!((weights[0] - 0.2).abs() < 1e-6);
        }
        assert_eq!(Point::of_emotion(0, 1.0), Point::default());
    }

    #[test]
    fn intensity_rises_with_distance() {
        for column in 1..EMOTIONS.len() {
            let weight = |radius: f64| Point::of_emotion(column, radius).weights(DEFAULT_SHARPNESS)[column];
            assert!(weight(0.1) < weight(0.5) && weight(0.5) < weight(0.9));
        }
    }

    #[test]
    fn octants_lie_around_their_middles() {
        for octant in 0..8 {
            assert_eq!(Spherical::of_octant(octant, 0.3).unwrap().to_point().octant(), octant);
        }
        assert!(Spherical::of_octant(8, 1.0).is_err());
    }

    #[test]
    fn a_path_turns_from_key_to_key() {
        let key = |time_secs, column| PathKey {
            time_secs,
            point: Point::of_emotion(column, 0.8),
            interpolation: Interpolation::Linear,
        };
        let emotion = path(&[key(1.0, 1), key(2.0, 3)], DEFAULT_SHARPNESS, 0.0, 3.0).unwrap();
        assert_eq!(emotion.weights_at(0.5), Point::of_emotion(1, 0.8).weights(DEFAULT_SHARPNESS));
        for step in 0..=10 {
            let neutral = emotion.weights_at(1.0 + 0.1 * f64::from(step))[0];
            assert!((neutral - 0.2).abs() < 1e-5, "the intensity stays on the way: {neutral}");
        }
        assert!(path(&[], f64::NAN, 0.0, 1.0).is_err());
    }

    #[test]
    fn a_turn_stays_on_the_sphere() {
        let (happy, sad) = (Point::of_emotion(1, 0.7), Point::of_emotion(2, 0.7));
        assert!((happy.slerp(sad, 0.5).length() - 0.7).abs() < 1e-9);
    }
}
