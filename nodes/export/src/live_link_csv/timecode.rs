//! Timecodes `HH:MM:SS:FF.mmm`.

use esarm_values::FrameRate;

/// Sixtieths of a second: what `FF` counts in takes of the app, at every frame rate.
pub(super) const BASE: u32 = 60;

/// A timecode, as text or as read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Timecode {
    /// Whole seconds since midnight.
    pub(super) secs: u32,
    /// The part behind the last colon, in units that the file's base decides.
    pub(super) units: f64,
}

impl Timecode {
    /// Time of a frame counted from midnight, rounded to a thousandth of a sixtieth.
    pub(super) fn of_frame(rate: FrameRate, frame: i64) -> Self {
        let per_sec = i128::from(BASE) * 1000;
        let (numerator, denominator) = (i128::from(rate.numerator()), i128::from(rate.denominator()));
        let ticks = (i128::from(frame) * denominator * per_sec + numerator / 2) / numerator;
        Self { secs: (ticks / per_sec).rem_euclid(86_400) as u32, units: (ticks % per_sec) as f64 / 1000.0 }
    }

    /// Reads `HH:MM:SS:FF` with or without decimals.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split(':');
        let mut whole = |limit: u32| -> Option<u32> {
            let part = parts.next()?;
            let is_plain = (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse().ok().filter(|value| is_plain && *value < limit)
        };
        let (hours, minutes, secs) = (whole(24)?, whole(60)?, whole(60)?);
        let units: f64 = parts.next()?.parse().ok()?;
        let fits = units.is_finite() && (0.0..1000.0).contains(&units) && parts.next().is_none();
        fits.then_some(Self { secs: hours * 3600 + minutes * 60 + secs, units })
    }

    /// Seconds since midnight, with `base` units in a second.
    pub(super) fn secs_at(self, base: f64) -> f64 {
        f64::from(self.secs) + self.units / base
    }
}

impl std::fmt::Display for Timecode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (minutes, secs) = (self.secs / 60, self.secs % 60);
        write!(f, "{:02}:{:02}:{secs:02}:{:06.3}", minutes / 60, minutes % 60, self.units)
    }
}

/// The units in a second that `codes` count: found where the seconds tick over, 60 where none do.
///
/// Programs other than the app write the take's own frame rate there.
pub(super) fn base_of(codes: &[Timecode]) -> u32 {
    let mut steps: Vec<f64> =
        within_a_second(codes).map(|(before, after)| after.units - before.units).collect();
    let Some(step) = median(&mut steps) else { return BASE };
    let ticks = codes.windows(2).filter(|pair| pair[1].secs == pair[0].secs + 1);
    let mut bases: Vec<f64> = ticks.map(|pair| pair[0].units + step - pair[1].units).collect();
    let Some(base) = median(&mut bases) else { return BASE };
    let known = [24, 25, 30, 48, 50, 60, 90, 100, 120, 240];
    known.into_iter().find(|known| (base - f64::from(*known)).abs() < 0.6).unwrap_or(BASE)
}

fn within_a_second(codes: &[Timecode]) -> impl Iterator<Item = (Timecode, Timecode)> + '_ {
    let pairs = codes.windows(2).map(|pair| (pair[0], pair[1]));
    pairs.filter(|(before, after)| before.secs == after.secs && after.units > before.units)
}

/// The middle value; reorders its input.
pub(super) fn median(values: &mut [f64]) -> Option<f64> {
    let middle = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    let (_, value, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    Some(*value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_become_sixtieths_at_every_rate() {
        let text = |rate, frame| Timecode::of_frame(rate, frame).to_string();
        assert_eq!(text(FrameRate::whole(30), 1), "00:00:00:02.000");
        assert_eq!(text(FrameRate::whole(60), 59), "00:00:00:59.000");
        assert_eq!(text(FrameRate::whole(60), 60 * 3661), "01:01:01:00.000");
        assert_eq!(text(FrameRate::whole(25), 1), "00:00:00:02.400");
        let ntsc = FrameRate::new(30_000, 1001).unwrap();
        assert_eq!(text(ntsc, 1), "00:00:00:02.002");
        assert_eq!(text(ntsc, 30_000), "00:16:41:00.000");
    }

    #[test]
    fn text_is_read_back_and_nonsense_is_not() {
        assert_eq!(Timecode::parse("13:13:04:31.652"), Some(Timecode { secs: 47_584, units: 31.652 }));
        for bad in
            ["", "1:2:3", "25:00:00:00", "00:61:00:00", "00:00:00:-1", "00:00:00:nan", "a:b:c:d", "1:2:3:4:5"]
        {
            assert_eq!(Timecode::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_base_shows_where_seconds_tick_over() {
        let codes = |rate: u32, base: u32| -> Vec<Timecode> {
            let frames = 0..rate * 3;
            frames
                .map(|frame| Timecode {
                    secs: frame / rate,
                    units: f64::from(frame % rate) * f64::from(base) / f64::from(rate),
                })
                .collect()
        };
        assert_eq!(base_of(&codes(30, 60)), 60);
        assert_eq!(base_of(&codes(60, 60)), 60);
        assert_eq!(base_of(&codes(30, 30)), 30);
        assert_eq!(base_of(&codes(25, 25)), 25);
        assert_eq!(base_of(&codes(30, 60)[..4]), 60);
    }
}
