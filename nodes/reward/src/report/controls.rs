//! Motions that are worse than the truth without doubt, at the truth's own frame rate.

use crate::metrics::is_blendshape;
use esarm_values::Track;

/// How much later the shifted control is, seconds.
const SHIFT_SECS: f64 = 0.2;
/// Weights of the over-acted control are this many times as large, and at most 1.
const GAIN: f32 = 1.5;

/// What was done to the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    /// The mean of the motion, still.
    Static,
    /// The motion backwards.
    Reversed,
    /// The motion 200 ms later.
    Shifted,
    /// All weights times 1.5, at most 1.
    Gain,
}

impl Control {
    /// Every control.
    pub(super) const ALL: [Self; 4] = [Self::Static, Self::Reversed, Self::Shifted, Self::Gain];

    /// Name in tables.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Reversed => "reversed",
            Self::Shifted => "200 ms later",
            Self::Gain => "gain 1.5",
        }
    }

    /// What was done, in words.
    pub(super) const fn explanation(self) -> &'static str {
        match self {
            Self::Static => "the mean face, which never moves",
            Self::Reversed => "the motion backwards",
            Self::Shifted => "the motion 200 ms later, its first frame held until then",
            Self::Gain => "all weights times 1.5, at most 1",
        }
    }

    /// The truth made wrong.
    pub(super) fn of(self, truth: &Track) -> Track {
        let mut motion = truth.clone();
        let columns = truth.channels().len();
        match self {
            Self::Static => {
                let frames = truth.frame_count().max(1) as f32;
                let means: Vec<f32> =
                    (0..columns).map(|column| truth.channel(column).sum::<f32>() / frames).collect();
                motion
                    .values_mut()
                    .chunks_exact_mut(columns.max(1))
                    .for_each(|row| row.copy_from_slice(&means));
            }
            Self::Reversed => {
                let rows = truth.values().chunks_exact(columns.max(1)).rev();
                let reversed: Vec<f32> = rows.flatten().copied().collect();
                motion.values_mut().copy_from_slice(&reversed);
            }
            Self::Shifted => {
                let moments = truth.start_frame()..truth.end_frame();
                let rows = motion.values_mut().chunks_exact_mut(columns.max(1));
                for (frame, row) in moments.zip(rows) {
                    truth.sample_into(truth.rate().secs_of(frame) - SHIFT_SECS, row);
                }
            }
            Self::Gain => {
                let grows: Vec<bool> = truth.channels().iter().map(|name| is_blendshape(name)).collect();
                for row in motion.values_mut().chunks_exact_mut(columns.max(1)) {
                    for (weight, _) in row.iter_mut().zip(&grows).filter(|(_, grows)| **grows) {
                        *weight = (*weight * GAIN).min(1.0);
                    }
                }
            }
        }
        motion
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esarm_values::FrameRate;

    fn truth() -> Track {
        let names = vec!["jawOpen".to_owned(), "headYaw".to_owned()];
        let values = (0..10).flat_map(|n| [0.1 * n as f32, n as f32]).collect();
        Track::new(FrameRate::whole(10), names, values).unwrap().starting_at(5)
    }

    fn jaw(control: Control) -> Vec<f32> {
        control.of(&truth()).channel(0).map(|value| (value * 100.0).round() / 100.0).collect()
    }

    #[test]
    fn each_control_is_what_its_name_says() {
        assert_eq!(jaw(Control::Static), [0.45; 10]);
        assert_eq!(jaw(Control::Reversed)[..3], [0.9, 0.8, 0.7]);
        assert_eq!(jaw(Control::Shifted)[..4], [0.0, 0.0, 0.0, 0.1]);
        assert_eq!(jaw(Control::Gain)[5..8], [0.75, 0.9, 1.0]);
        // What is no weight is not made larger.
        assert_eq!(Control::Gain.of(&truth()).channel(1).last(), Some(9.0));
        for control in Control::ALL {
            assert_eq!((control.of(&truth()).start_frame(), control.of(&truth()).frame_count()), (5, 10));
        }
    }

    #[test]
    fn nothing_stays_nothing() {
        let empty = Track::new(FrameRate::whole(30), vec!["jawOpen".to_owned()], vec![]).unwrap();
        assert!(Control::ALL.iter().all(|control| control.of(&empty).frame_count() == 0));
    }
}
