//! Crop and shift.

use super::track_of;
use esarm_values::{FrameRate, Track};

/// The frames whose times lie in `start_secs..end_secs`; they keep their clip times.
pub fn crop(motion: &Track, start_secs: f64, end_secs: f64) -> Track {
    let frame = |secs: f64| (secs * motion.rate().frames_per_sec() - 1e-6).ceil();
    // Saturating casts: infinite bounds mean the motion's own ends.
    motion.window(frame(start_secs) as i64, frame(end_secs) as i64)
}

/// Moves the motion later by `offset_secs`, or earlier when negative, on the same frames; the ends are held. Values
/// between frames are interpolated.
pub fn shift(motion: &Track, offset_secs: f64) -> Track {
    let rate = motion.rate();
    let mut values = vec![0.0; motion.values().len()];
    let width = motion.channels().len().max(1);
    for (index, frame) in values.chunks_exact_mut(width).enumerate() {
        motion.sample_into(rate.secs_of(motion.start_frame() + index as i64) - offset_secs, frame);
    }
    track_of(rate, motion.start_frame(), motion.channels().to_vec(), values)
}

/// The same values from clip frame 0 on, so that a cropped part becomes a clip of its own.
pub fn rewind(motion: Track) -> Track {
    motion.starting_at(0)
}

/// The clip frame at or before a time.
pub fn frame_at(rate: FrameRate, time_secs: f64) -> i64 {
    (time_secs * rate.frames_per_sec() + 1e-6).floor() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp() -> Track {
        track_of(FrameRate::whole(10), 0, vec!["a".to_owned()], (0..10).map(|value| value as f32).collect())
    }

    #[test]
    fn crops_keep_clip_time() {
        let cropped = crop(&ramp(), 0.25, 0.6);
        assert_eq!((cropped.start_frame(), cropped.values()), (3, [3.0, 4.0, 5.0].as_slice()));
        assert_eq!(crop(&ramp(), f64::NEG_INFINITY, f64::INFINITY), ramp());
        assert_eq!(crop(&ramp(), 0.8, 0.2).frame_count(), 0);
        assert_eq!(rewind(cropped).start_frame(), 0);
    }

    #[test]
    fn shifts_hold_the_ends() {
        let close = |track: &Track, expected: [f32; 10]| {
            track.values().iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5)
        };
        assert!(close(&shift(&ramp(), 0.2), [0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]));
        assert!(close(&shift(&ramp(), -0.05), [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.0]));
        assert_eq!(frame_at(FrameRate::whole(10), 0.39), 3);
    }
}
