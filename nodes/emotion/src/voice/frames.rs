//! What the classifier measures every 10 ms: mel levels, cepstrum, spectral shape, flux, loudness and pitch.
//!
//! A frame depends on the audio within [`REACH_SECS`] of it, so frames of a window of a clip equal those of the
//! whole clip.

use super::VoiceError;
use esarm_kernels::devices::Device;
use esarm_kernels::log_mel::{LogMel, LogMelSettings, hz_to_mel, mel_to_hz};
use esarm_kernels::pitch::{PitchSettings, PitchTracker};
use esarm_values::Audio;
use std::f64::consts::PI;

/// Frames a second.
pub(crate) const FRAMES_PER_SEC: f64 = 100.0;
/// How far around a frame the audio matters, in seconds: the pitch tracker's context, and frames that the textures of
/// a frame look at.
pub(crate) const REACH_SECS: f64 = 0.25 + super::texture::REACH_FRAMES as f64 / FRAMES_PER_SEC;
/// Narrow mel bands, from which the spectral shape is read.
pub(crate) const FINE_BANDS: usize = 80;
/// Bands of the coarse mel spectrum, each the mean of two fine ones.
pub(crate) const BANDS: usize = 40;
/// Cepstral coefficients, without the level.
pub(crate) const CEPSTRA: usize = 13;
/// Measures of spectral shape, see [`ShapeTable::measure`].
pub(crate) const SHAPES: usize = 14;
/// Upper edge of the highest band, in Hz.
const TOP_HZ: f64 = 8000.0;
/// Gain before the pitch is tracked, so that quiet recordings keep their voice; the tracker fades out near -60 dB.
const PITCH_GAIN: f32 = 8.0;
/// Smallest band power; far below the quietest recording that still holds speech.
const FLOOR_POWER: f32 = 1e-14;
/// Fall per fine band, in decibels, with which bands above the audio's band limit are filled.
const FILL_SLOPE_DB: f32 = 0.6;

/// The frames of a stretch of audio.
pub(crate) struct VoiceFrames {
    /// Clip index of the first frame.
    pub(crate) first_frame: i64,
    /// Level in dB of each coarse band: `[frames, BANDS]`.
    pub(crate) mel_db: Vec<f32>,
    /// Slope of the cepstrum over five frames: `[frames, CEPSTRA]`.
    pub(crate) cepstrum_slopes: Vec<f32>,
    /// Spectral shape: `[frames, SHAPES]`.
    pub(crate) shapes: Vec<f32>,
    /// Level in dB.
    pub(crate) level_db: Vec<f32>,
    /// Loudness: the sum over bands of power to 0.3 (Stevens' law).
    pub(crate) loudness: Vec<f32>,
    /// Root mean square change of the level-free spectrum from the frame before, in dB.
    pub(crate) flux_db: Vec<f32>,
    /// Pitch in semitones above 100 Hz where voiced.
    pub(crate) semitones: Vec<Option<f32>>,
}

impl VoiceFrames {
    /// Measures all frames whose times lie on the audio, as heard through a channel that adds `colour_db` to the fine
    /// bands.
    pub(crate) fn of(
        audio: &Audio,
        colour_db: &[f32; FINE_BANDS],
        device: &Device,
    ) -> Result<Self, VoiceError> {
        let pitch_settings = PitchSettings {
            sample_rate_hz: audio.sample_rate_hz,
            hop_secs: 1.0 / FRAMES_PER_SEC,
            ..PitchSettings::default()
        };
        let tracker = PitchTracker::new(&pitch_settings)?;
        let end_sample = audio.start_sample + audio.samples.len() as i64;
        let range = pitch_settings.grid().frames_on(audio.start_sample..end_sample);
        let louder: Vec<f32> = audio.samples.iter().map(|sample| sample * PITCH_GAIN).collect();
        let pitches = tracker.frames_on(device, &louder, audio.start_sample, range.clone())?;
        let mut fine = FineSpectrum::new(audio.sample_rate_hz)?.levels(audio, range.clone(), device)?;
        for bands in fine.chunks_exact_mut(FINE_BANDS) {
            bands.iter_mut().zip(colour_db).for_each(|(level, colour)| *level += colour);
        }
        let semitones = |hz: f32| (hz > 0.0).then(|| 12.0 * (hz / 100.0).log2());
        let pitch_semitones: Vec<_> = pitches.iter().map(|pitch| semitones(pitch.frequency_hz)).collect();
        Ok(Self::from_fine(range.start, &fine, pitch_semitones))
    }

    /// Number of frames.
    pub(crate) fn count(&self) -> usize {
        self.level_db.len()
    }

    fn from_fine(first_frame: i64, fine_db: &[f32], semitones: Vec<Option<f32>>) -> Self {
        let table = ShapeTable::new();
        let count = semitones.len();
        let mut frames = Self {
            first_frame,
            mel_db: Vec::with_capacity(count * BANDS),
            cepstrum_slopes: Vec::new(),
            shapes: Vec::with_capacity(count * SHAPES),
            level_db: Vec::with_capacity(count),
            loudness: Vec::with_capacity(count),
            flux_db: Vec::with_capacity(count),
            semitones,
        };
        for (index, bands) in fine_db.chunks_exact(FINE_BANDS).enumerate() {
            let power = table.band_powers(bands);
            let total: f32 = power.iter().sum();
            frames.level_db.push(10.0 * total.log10());
            frames.loudness.push(power.iter().map(|power| power.powf(0.3)).sum());
            frames.mel_db.extend(bands.chunks_exact(2).map(|pair| 0.5 * (pair[0] + pair[1])));
            let hz = frames.semitones[index].map(|semitones| 100.0 * (semitones / 12.0).exp2());
            frames.shapes.extend(table.measure(bands, &power, total, hz));
            let before = index.checked_sub(1).map(|before| &frames.mel_db[before * BANDS..][..BANDS]);
            frames.flux_db.push(before.map_or(0.0, |old| flux(old, &frames.mel_db[index * BANDS..])));
        }
        frames.cepstrum_slopes = slopes(&cepstra(&frames.mel_db), CEPSTRA);
        frames
    }
}

/// The mel spectrum in [`FINE_BANDS`] bands up to [`TOP_HZ`] at any sampling rate.
struct FineSpectrum {
    transform: LogMel,
    /// Bands below the audio's band limit.
    measured: usize,
}

impl FineSpectrum {
    fn new(sample_rate_hz: u32) -> Result<Self, VoiceError> {
        let nyquist_hz = f64::from(sample_rate_hz) / 2.0;
        let edges = band_edges_hz();
        let measured = edges[2..].iter().filter(|edge| **edge <= nyquist_hz + 1e-6).count();
        let window_secs = 0.025;
        let window = window_secs * f64::from(sample_rate_hz);
        let settings = LogMelSettings {
            sample_rate_hz,
            window_secs,
            hop_secs: 1.0 / FRAMES_PER_SEC,
            fft_size: (window * 1.25).ceil().max(2.0) as usize,
            mel_count: measured,
            low_hz: 0.0,
            high_hz: edges[measured + 1].min(nyquist_hz),
            floor: FLOOR_POWER,
        };
        let fft_size = settings.fft_size.next_power_of_two();
        Ok(Self { transform: LogMel::new(&LogMelSettings { fft_size, ..settings })?, measured })
    }

    /// Levels in dB: `[frames, FINE_BANDS]`.
    fn levels(
        &self,
        audio: &Audio,
        frames: std::ops::Range<i64>,
        device: &Device,
    ) -> Result<Vec<f32>, VoiceError> {
        let natural = self.transform.frames_on(device, &audio.samples, audio.start_sample, frames)?;
        let decibels = 10.0 / std::f32::consts::LN_10;
        let mut levels = Vec::with_capacity(natural.len() / self.measured * FINE_BANDS);
        for frame in natural.chunks_exact(self.measured) {
            levels.extend(frame.iter().map(|value| value * decibels));
            let top = frame[self.measured - 1] * decibels;
            levels.extend((1..=FINE_BANDS - self.measured).map(|step| top - FILL_SLOPE_DB * step as f32));
        }
        Ok(levels)
    }
}

/// The `FINE_BANDS + 2` edges of the fine bands.
fn band_edges_hz() -> Vec<f64> {
    let step = hz_to_mel(TOP_HZ) / (FINE_BANDS + 1) as f64;
    (0..FINE_BANDS + 2).map(|edge| mel_to_hz(step * edge as f64)).collect()
}

fn flux(before: &[f32], now: &[f32]) -> f32 {
    let mean = |bands: &[f32]| bands[..BANDS].iter().sum::<f32>() / BANDS as f32;
    let (mean_before, mean_now) = (mean(before), mean(now));
    let change = |(a, b): (&f32, &f32)| ((b - mean_now) - (a - mean_before)).powi(2);
    (before.iter().zip(now).map(change).sum::<f32>() / BANDS as f32).sqrt()
}

/// Orthonormal cosine transform of each spectrum, coefficients 1 to [`CEPSTRA`].
fn cepstra(mel_db: &[f32]) -> Vec<f32> {
    let scale = (2.0 / BANDS as f64).sqrt();
    let table: Vec<f32> = (1..=CEPSTRA)
        .flat_map(|k| {
            let angle = move |band: usize| PI * k as f64 * (band as f64 + 0.5) / BANDS as f64;
            (0..BANDS).map(move |band| (scale * angle(band).cos()) as f32)
        })
        .collect();
    let coefficient =
        |spectrum: &[f32], row: &[f32]| -> f32 { spectrum.iter().zip(row).map(|(a, b)| a * b).sum() };
    mel_db
        .chunks_exact(BANDS)
        .flat_map(|spectrum| table.chunks_exact(BANDS).map(move |row| coefficient(spectrum, row)))
        .collect()
}

/// Least-squares slope per frame over five frames; the ends repeat.
fn slopes(values: &[f32], width: usize) -> Vec<f32> {
    let count = values.len() / width;
    let at = |index: usize, offset: i64, column: usize| {
        let row = (index as i64 + offset).clamp(0, count as i64 - 1) as usize;
        values[row * width + column]
    };
    (0..values.len())
        .map(|slot| {
            let (index, column) = (slot / width, slot % width);
            let rise = |offset: i64| at(index, offset, column) - at(index, -offset, column);
            (rise(1) + 2.0 * rise(2)) / 10.0
        })
        .collect()
}

/// Constants for measuring the spectral shape on the fine bands.
struct ShapeTable {
    centres_hz: Vec<f32>,
    widths_hz: Vec<f32>,
}

impl ShapeTable {
    fn new() -> Self {
        let edges = band_edges_hz();
        Self {
            centres_hz: edges[1..=FINE_BANDS].iter().map(|hz| *hz as f32).collect(),
            widths_hz: edges.windows(3).map(|edge| ((edge[2] - edge[0]) / 2.0) as f32).collect(),
        }
    }

    fn band_powers(&self, bands_db: &[f32]) -> Vec<f32> {
        let power = |(level, width): (&f32, &f32)| (level * std::f32::consts::LN_10 / 10.0).exp() * width;
        bands_db.iter().zip(&self.widths_hz).map(power).collect()
    }

    /// Alpha ratio (below over above 1 kHz), Hammarberg index (strongest below over above 2 kHz), 4 kHz ratio, share
    /// below 500 Hz, slopes 50-500, 500-1500 and 1500-5000 Hz in dB per kHz, centroid and 85 % and 50 % roll-off in
    /// kHz, entropy, and first harmonic over second, over the third and over the first formant region in dB. The
    /// measures follow the Geneva minimalistic parameter set (Eyben et al. 2016), read on mel bands.
    fn measure(&self, bands_db: &[f32], power: &[f32], total: f32, pitch_hz: Option<f32>) -> [f32; SHAPES] {
        let between = |low: f32, high: f32| self.sum(power, low, high);
        let ratio_db = |a: f32, b: f32| 10.0 * (a.max(1e-20) / b.max(1e-20)).log10();
        let highest = |low: f32, high: f32| self.highest(bands_db, low, high);
        let harmonics =
            pitch_hz.map(|hz| [1.0, 2.0].map(|order| highest(hz * order - 40.0, hz * order + 40.0)));
        let [first, second] = harmonics.unwrap_or([0.0; 2]);
        let over = |level: f32| if pitch_hz.is_some() { first - level } else { 0.0 };
        let (centroid, roll_off_85, roll_off_50, entropy) = self.spread(power, total);
        [
            ratio_db(between(0.0, 1000.0), between(1000.0, 5000.0)),
            highest(0.0, 2000.0) - highest(2000.0, 5000.0),
            ratio_db(between(0.0, 4000.0), between(4000.0, 8000.0)),
            ratio_db(between(0.0, 500.0), total),
            self.slope(bands_db, 50.0, 500.0),
            self.slope(bands_db, 500.0, 1500.0),
            self.slope(bands_db, 1500.0, 5000.0),
            centroid,
            roll_off_85,
            roll_off_50,
            entropy,
            over(second),
            over(highest(2000.0, 3500.0)),
            over(highest(300.0, 1000.0)),
        ]
    }

    fn range(&self, low_hz: f32, high_hz: f32) -> std::ops::Range<usize> {
        let first = self.centres_hz.partition_point(|hz| *hz < low_hz);
        first..self.centres_hz.partition_point(|hz| *hz < high_hz).max(first)
    }

    fn sum(&self, power: &[f32], low_hz: f32, high_hz: f32) -> f32 {
        power[self.range(low_hz, high_hz)].iter().sum()
    }

    fn highest(&self, bands_db: &[f32], low_hz: f32, high_hz: f32) -> f32 {
        let range = self.range(low_hz, high_hz);
        bands_db[range].iter().copied().fold(-140.0, f32::max)
    }

    fn slope(&self, bands_db: &[f32], low_hz: f32, high_hz: f32) -> f32 {
        let range = self.range(low_hz, high_hz);
        let count = range.len() as f32;
        let mean_hz = self.centres_hz[range.clone()].iter().sum::<f32>() / count;
        let (mut rise, mut run) = (0.0, 0.0);
        for (hz, level) in self.centres_hz[range.clone()].iter().zip(&bands_db[range]) {
            let distance = (hz - mean_hz) / 1000.0;
            rise += distance * level;
            run += distance * distance;
        }
        rise / run
    }

    fn spread(&self, power: &[f32], total: f32) -> (f32, f32, f32, f32) {
        let (mut moment, mut entropy, mut sum) = (0.0, 0.0, 0.0);
        let (mut roll_off_85, mut roll_off_50) = (None, None);
        for (power, hz) in power.iter().zip(&self.centres_hz) {
            let share = power / total;
            moment += share * hz;
            sum += share;
            if share > 1e-12 {
                entropy -= share * share.ln();
            }
            if sum >= 0.5 {
                roll_off_50.get_or_insert(*hz);
            }
            if sum >= 0.85 {
                roll_off_85.get_or_insert(*hz);
            }
        }
        let khz = |hz: Option<f32>| hz.unwrap_or(TOP_HZ as f32) / 1000.0;
        (moment / 1000.0, khz(roll_off_85), khz(roll_off_50), entropy)
    }
}
