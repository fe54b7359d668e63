//! Blinks: when they come and how lids move.
//!
//! Intervals are log-normal; speakers blink about 15 to 25 times a minute (Bentivoglio et al. 1997; SJTU EmoFace fits
//! a log-normal to films), more in pauses and at the ends of phrases than within them. Lids close in 80-120 ms and
//! open in 170-270 ms, as in real face captures; sadness slows them, fear and surprise hold the eyes open.

use super::events::{Event, Intervals};
use super::settings::{SettingError, within};
use super::{Layer, by_emotion, smoothstep, time_of};
use esarm_kernels::random::Random;
use esarm_values::{EMOTIONS, Emotion, Track};

/// Seconds around a moment of which motion, emotion and voice can matter to its blinks.
pub const BLINK_REACH_SECS: f64 = 1.7;
/// Deviation of the logarithm of intervals.
const LOG_DEVIATION: f64 = 0.55;
/// Shortest and longest interval between candidates, in seconds.
const INTERVAL_BOUNDS_SECS: (f64, f64) = (0.45, 20.0);
/// Candidates a kept blink at rest; emotion and pauses keep more of them or fewer.
const CANDIDATES: f64 = 2.0;
/// How often people blink in each emotion, relative to neutral, in the order of [`EMOTIONS`].
const RATE_BY_EMOTION: [f64; EMOTIONS.len()] = [1.0, 1.05, 0.85, 1.15, 0.55, 1.05, 0.4, 0.9];
/// How slowly lids move in each emotion, relative to neutral.
const SLOWNESS_BY_EMOTION: [f64; EMOTIONS.len()] = [1.0, 1.0, 1.45, 0.9, 0.85, 1.05, 0.85, 1.15];
/// Relative rate within phrases and in pauses.
const RATE_BY_VOICE: (f64, f64) = (0.85, 1.5);
/// Sets these draws apart.
const STREAM: u64 = 0x626c_696e;

/// How somebody blinks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Blinks {
    /// Blinks a minute at rest, 0 to 60.
    pub rate_per_min: f64,
    /// How far lids close, 0 to 1.
    pub closure: f64,
    /// Factor on the duration of a blink, 0.5 to 2.
    pub slowness: f64,
}

impl Default for Blinks {
    fn default() -> Self {
        Self { rate_per_min: 17.0, closure: 1.0, slowness: 1.0 }
    }
}

/// One blink.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Blink {
    /// Clip time at which the lids start to move, in seconds.
    pub start_secs: f64,
    /// Time to close, in seconds.
    pub closing_secs: f64,
    /// Time closed, in seconds.
    pub closed_secs: f64,
    /// Time to open, in seconds.
    pub opening_secs: f64,
    /// How far the lids close, 0 to 1.
    pub closure: f64,
    /// Delay of the right lid after the left, in seconds; below a frame.
    pub delay_secs: f64,
}

impl Blink {
    /// How far the left lid is closed at a clip time, 0 to 1. Lids fall fast and rise ever more slowly.
    pub fn left(&self, time_secs: f64) -> f64 {
        let since = time_secs - self.start_secs;
        let opening = since - self.closing_secs - self.closed_secs;
        self.closure
            * if since < self.closing_secs {
                smoothstep(since / self.closing_secs)
            } else if opening < 0.0 {
                1.0
            } else {
                let rest = 1.0 - (opening / self.opening_secs).min(1.0);
                rest * rest * (2.0 - rest)
            }
    }

    /// How far the right lid is closed at a clip time, 0 to 1.
    pub fn right(&self, time_secs: f64) -> f64 {
        self.left(time_secs - self.delay_secs)
    }
}

/// The blinks that start from `start_secs` up to but not including `end_secs`. `voice` is a track whose first channel
/// is above a half where somebody speaks.
pub fn blinks(
    settings: &Blinks,
    emotion: Option<&Emotion>,
    voice: Option<&Track>,
    seed: u64,
    start_secs: f64,
    end_secs: f64,
) -> Result<Vec<Blink>, SettingError> {
    within("rate_per_min", settings.rate_per_min, 0.0, 60.0)?;
    within("closure", settings.closure, 0.0, 1.0)?;
    within("slowness", settings.slowness, 0.5, 2.0)?;
    if settings.rate_per_min == 0.0 {
        return Ok(Vec::new());
    }
    // The mean of a log-normal is its median times exp(variance / 2).
    let mean_secs = 60.0 / (settings.rate_per_min * CANDIDATES);
    let intervals = Intervals {
        median_secs: mean_secs / (LOG_DEVIATION * LOG_DEVIATION / 2.0).exp(),
        log_deviation: LOG_DEVIATION,
        shortest_secs: INTERVAL_BOUNDS_SECS.0,
        longest_secs: INTERVAL_BOUNDS_SECS.1,
    };
    let candidates = intervals.events(Random::new(seed, STREAM), start_secs, end_secs);
    let kept = candidates.into_iter().filter(|event| is_kept(event, emotion, voice));
    Ok(kept.map(|event| shaped(settings, emotion, &event)).collect())
}

fn is_kept(event: &Event, emotion: Option<&Emotion>, voice: Option<&Track>) -> bool {
    let by_voice =
        voice.map_or(
            1.0,
            |voice| if is_speech(voice, event.time_secs) { RATE_BY_VOICE.0 } else { RATE_BY_VOICE.1 },
        );
    let share = by_emotion(emotion, event.time_secs, &RATE_BY_EMOTION) * by_voice / CANDIDATES;
    f64::from(event.random.uniform(0)) < share
}

/// Whether the first channel of a track is above a half at a clip time.
pub(super) fn is_speech(voice: &Track, time_secs: f64) -> bool {
    voice.sample(time_secs).first().is_some_and(|value| *value > 0.5)
}

fn shaped(settings: &Blinks, emotion: Option<&Emotion>, event: &Event) -> Blink {
    let slowness = settings.slowness * by_emotion(emotion, event.time_secs, &SLOWNESS_BY_EMOTION);
    let [closing, closed, opening, closure] = event.random.normals(1).map(f64::from);
    let delay = event.random.between(2, -0.004, 0.004);
    Blink {
        start_secs: event.time_secs,
        closing_secs: slowness * (0.1 + 0.014 * closing).clamp(0.065, 0.15),
        closed_secs: slowness * (0.035 + 0.012 * closed).clamp(0.01, 0.08),
        opening_secs: slowness * (0.22 + 0.03 * opening).clamp(0.15, 0.32),
        closure: settings.closure * (1.0 - 0.03 * closure.abs()).max(0.9),
        delay_secs: f64::from(delay),
    }
}

/// Adds blinks to a motion: a lid takes the larger of its weight and the blink's, so that an expression and a blink
/// never close it beyond 1, and wide eyes give way while the lids are down.
pub fn add_blinks(
    motion: &Track,
    settings: &Blinks,
    emotion: Option<&Emotion>,
    voice: Option<&Track>,
    seed: u64,
) -> Result<Track, SettingError> {
    let (start, end) = time_of(motion);
    let blinks = blinks(settings, emotion, voice, seed, start - BLINK_REACH_SECS, end)?;
    let layer = Layer::new(motion, &["eyeBlinkLeft", "eyeBlinkRight", "eyeWideLeft", "eyeWideRight"]);
    Ok(layer.each_frame(|time_secs, lids: &mut [f32; 4]| {
        let first = blinks.partition_point(|blink| blink.start_secs < time_secs - BLINK_REACH_SECS);
        let near = blinks[first..].iter().take_while(|blink| blink.start_secs <= time_secs + 0.01);
        let (left, right) = near.fold((0.0_f64, 0.0_f64), |(left, right), blink| {
            (left.max(blink.left(time_secs)), right.max(blink.right(time_secs)))
        });
        for (side, closed) in [left as f32, right as f32].into_iter().enumerate() {
            lids[side] = lids[side].max(closed);
            lids[2 + side] *= 1.0 - closed;
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_windows_equal, channel, emotion, still};
    use super::*;
    use esarm_values::FrameRate;

    fn rate_per_min(emotion: Option<&Emotion>, voice: Option<&Track>) -> f64 {
        blinks(&Blinks::default(), emotion, voice, 3, 0.0, 3600.0).unwrap().len() as f64 / 60.0
    }

    #[test]
    fn people_blink_as_often_as_they_do() {
        let rest = rate_per_min(None, None);
        assert!((14.0..20.0).contains(&rest), "{rest}");
        assert!(rate_per_min(Some(&emotion("fear")), None) < 0.7 * rest);
        assert!(rate_per_min(Some(&emotion("surprise")), None) < 0.6 * rest);
        let voice =
            |value: f32| Track::new(FrameRate::whole(1), vec!["speech".to_owned()], vec![value]).unwrap();
        assert!(rate_per_min(None, Some(&voice(0.0))) > 1.4 * rate_per_min(None, Some(&voice(1.0))));
    }

    #[test]
    fn lids_close_faster_than_they_open() {
        for blink in blinks(&Blinks::default(), None, None, 1, 0.0, 600.0).unwrap() {
            assert!(blink.closing_secs < 0.16 && blink.opening_secs > blink.closing_secs);
            assert_eq!(blink.left(blink.start_secs), 0.0);
            assert!(blink.left(blink.start_secs + blink.closing_secs) >= 0.9);
            assert!(blink.left(blink.start_secs + BLINK_REACH_SECS) == 0.0);
        }
        let sad = blinks(&Blinks::default(), Some(&emotion("sad")), None, 1, 0.0, 600.0).unwrap();
        assert!(
            sad.iter()
                .all(|blink| blink.opening_secs > 0.2
                    && blink.left(blink.start_secs + BLINK_REACH_SECS) == 0.0)
        );
    }

    #[test]
    fn blinks_and_expressions_never_add_up() {
        let mut motion = still(60, 60.0);
        let columns = ["eyeBlinkLeft", "eyeWideLeft"].map(|name| motion.channel_index(name).unwrap());
        for frame in motion.values_mut().chunks_exact_mut(61) {
            frame[columns[0]] = 0.4;
            frame[columns[1]] = 0.6;
        }
        let blinked = add_blinks(&motion, &Blinks::default(), None, None, 9).unwrap();
        let (lids, wide) = (channel(&blinked, "eyeBlinkLeft"), channel(&blinked, "eyeWideLeft"));
        assert!(lids.iter().all(|weight| (0.4..=1.0).contains(weight)));
        assert!(lids.iter().any(|weight| *weight > 0.95) && wide.iter().any(|weight| *weight < 0.05));
        let right = channel(&blinked, "eyeBlinkRight");
        assert!(right.iter().any(|weight| *weight > 0.95) && right.contains(&0.0));
    }

    #[test]
    fn windows_equal_the_whole() {
        let layer = |motion: &Track| add_blinks(motion, &Blinks::default(), None, None, 4).unwrap();
        assert_windows_equal(&still(60, 130.0), layer, BLINK_REACH_SECS);
    }

    #[test]
    fn seeds_and_settings_matter() {
        let all = |seed, settings: &Blinks| blinks(settings, None, None, seed, 0.0, 60.0);
        let default = Blinks::default();
        assert_ne!(all(1, &default).unwrap(), all(2, &default).unwrap());
        assert!(all(1, &Blinks { rate_per_min: 0.0, ..default }).unwrap().is_empty());
        let error = all(1, &Blinks { closure: 1.2, ..default }).unwrap_err();
        assert!(error.to_string().contains("closure"));
    }
}
