//! Counter-based random numbers: every draw is a pure function of (seed, stream, counter).
//!
//! There is no state to carry, so frames can be drawn in any order, in parallel or alone. The generator is
//! Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011). Uniform
//! numbers are exact dyadic fractions. Normal numbers use only integer operations and the IEEE 754 operations
//! `+ - * /` and square root, never the platform's mathematical library, so they are the same bits on every CPU.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2, LN_2, SQRT_2};

const ROUNDS: usize = 10;
const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const KEY_STEPS: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
/// Sets the keys of [`Random::split`] apart from the keys of draws.
const SPLIT_KEY: u64 = 0x5350_4C49_5420_4B59;

/// A source of random numbers, keyed by a seed and a stream. Copies are the same source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Random {
    seed: u64,
    stream: u64,
}

impl Random {
    /// The source for a seed and a stream; different streams of one seed are independent.
    pub const fn new(seed: u64, stream: u64) -> Self {
        Self { seed, stream }
    }

    /// A source that is independent of this one and of its splits by other labels.
    #[must_use]
    pub fn split(self, label: u64) -> Self {
        let [a, b, c, d] = philox4x32_10(counter_words(label, self.stream), key_words(self.seed ^ SPLIT_KEY));
        Self { seed: u64::from(a) | u64::from(b) << 32, stream: u64::from(c) | u64::from(d) << 32 }
    }

    /// Four independent words of 32 random bits.
    pub fn words(self, counter: u64) -> [u32; 4] {
        philox4x32_10(counter_words(counter, self.stream), key_words(self.seed))
    }

    /// [`Random::words`] of several counters side by side: first words, second words, and so on. Inlined, so that the
    /// caller's instruction set applies.
    #[inline(always)]
    pub fn word_lanes<const LANES: usize>(self, counters: [u64; LANES]) -> [[u32; LANES]; 4] {
        let [stream, stream_high] = [self.stream as u32, (self.stream >> 32) as u32];
        let words = [
            counters.map(|counter| counter as u32),
            counters.map(|counter| (counter >> 32) as u32),
            [stream; LANES],
            [stream_high; LANES],
        ];
        philox_lanes(words, key_words(self.seed))
    }

    /// A number in `0..1` (1 excluded), a multiple of 2^-24.
    pub fn uniform(self, counter: u64) -> f32 {
        unit_interval(self.words(counter)[0])
    }

    /// Four independent numbers in `0..1` (1 excluded).
    pub fn uniforms(self, counter: u64) -> [f32; 4] {
        self.words(counter).map(unit_interval)
    }

    /// A number between `low` and `high`.
    pub fn between(self, counter: u64, low: f32, high: f32) -> f32 {
        low + (high - low) * self.uniform(counter)
    }

    /// An integer in `0..count`; 0 when `count` is 0. Each value's probability is within 2^-32 of `1 / count`.
    pub fn below(self, counter: u64, count: u32) -> u32 {
        ((u64::from(self.words(counter)[0]) * u64::from(count)) >> 32) as u32
    }

    /// A number of the standard normal distribution (mean 0, variance 1), within about 6.66 of 0.
    pub fn normal(self, counter: u64) -> f32 {
        self.normals(counter)[0]
    }

    /// Four independent numbers of the standard normal distribution, by two transforms of Box and Muller (1958).
    pub fn normals(self, counter: u64) -> [f32; 4] {
        let [a, b, c, d] = self.words(counter);
        let ([first, second], [third, fourth]) = (box_muller(a, b), box_muller(c, d));
        [first, second, third, fourth]
    }
}

/// Philox4x32 with ten rounds: the bijection of the counter under the key.
pub fn philox4x32_10(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    philox_lanes(counter.map(|word| [word]), key).map(|[word]| word)
}

/// The same for several counters side by side, word by word.
#[inline(always)]
fn philox_lanes<const LANES: usize>(mut counters: [[u32; LANES]; 4], mut key: [u32; 2]) -> [[u32; LANES]; 4] {
    for _ in 0..ROUNDS {
        let [first, second, third, fourth] = counters;
        for lane in 0..LANES {
            let left = u64::from(MULTIPLIERS[0]) * u64::from(first[lane]);
            let right = u64::from(MULTIPLIERS[1]) * u64::from(third[lane]);
            counters[0][lane] = (right >> 32) as u32 ^ second[lane] ^ key[0];
            counters[1][lane] = right as u32;
            counters[2][lane] = (left >> 32) as u32 ^ fourth[lane] ^ key[1];
            counters[3][lane] = left as u32;
        }
        key = [key[0].wrapping_add(KEY_STEPS[0]), key[1].wrapping_add(KEY_STEPS[1])];
    }
    counters
}

fn counter_words(counter: u64, stream: u64) -> [u32; 4] {
    [counter as u32, (counter >> 32) as u32, stream as u32, (stream >> 32) as u32]
}

fn key_words(seed: u64) -> [u32; 2] {
    [seed as u32, (seed >> 32) as u32]
}

fn unit_interval(word: u32) -> f32 {
    (word >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// Two independent standard normal numbers from two words.
fn box_muller(radius_word: u32, angle_word: u32) -> [f32; 2] {
    let radius = (-2.0 * ln_of_fraction(radius_word)).sqrt();
    let (sine, cosine) = sine_cosine_of_turn(angle_word);
    [(radius * cosine) as f32, (radius * sine) as f32]
}

/// `ln((word + 1) / 2^32)`, so never the logarithm of 0.
///
/// The argument is split into `mantissa * 2^exponent` with the mantissa within a factor of √2 of 1, whose logarithm
/// is `2 artanh(s)`, `s = (mantissa - 1) / (mantissa + 1)`; ten terms of its series leave an error below 1e-16.
fn ln_of_fraction(word: u32) -> f64 {
    let value = u64::from(word) + 1;
    let mut exponent = 63 - value.leading_zeros() as i32;
    let mut mantissa = value as f64 / (1_u64 << exponent) as f64;
    if mantissa > SQRT_2 {
        mantissa *= 0.5;
        exponent += 1;
    }
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let series = (0..10).rev().fold(0.0, |sum, term| sum * (s * s) + 1.0 / f64::from(2 * term + 1));
    f64::from(exponent - 32) * LN_2 + 2.0 * s * series
}

/// Sine and cosine of `word / 2^32` of a full turn.
///
/// The upper two bits are the quarter; within it the angle is measured from the middle, at most π/4 away, where the
/// Taylor series to the 17th power are exact to 1e-16; then it is turned by π/4 and by the quarters.
fn sine_cosine_of_turn(word: u32) -> (f64, f64) {
    let within = f64::from(word & 0x3FFF_FFFF) / f64::from(1_u32 << 30);
    let angle = (within - 0.5) * FRAC_PI_2;
    let (sine, cosine) = small_sine_cosine(angle);
    let (sine, cosine) = ((cosine + sine) * FRAC_1_SQRT_2, (cosine - sine) * FRAC_1_SQRT_2);
    match word >> 30 {
        0 => (sine, cosine),
        1 => (cosine, -sine),
        2 => (-sine, -cosine),
        _ => (-cosine, sine),
    }
}

fn small_sine_cosine(angle: f64) -> (f64, f64) {
    let square = angle * angle;
    let series = |first_divisor: u32| {
        (0..8).rev().fold(1.0, |sum, term| {
            let divisor = first_divisor + 2 * term;
            1.0 - sum * square / f64::from(divisor * (divisor + 1))
        })
    };
    (angle * series(2), series(1))
}

/// The generator inside GPU kernels: the same words.
#[cfg(feature = "gpu")]
pub(crate) mod cube {
    use super::{KEY_STEPS, MULTIPLIERS, ROUNDS, Random};
    use cubecl::prelude::*;

    /// Seed and stream as a kernel takes them: low and high word of the seed, then of the stream.
    pub(crate) fn source_words(random: Random) -> [u32; 4] {
        let [stream, stream_high] = [random.stream as u32, (random.stream >> 32) as u32];
        let [seed, seed_high] = super::key_words(random.seed);
        [seed, seed_high, stream, stream_high]
    }

    /// The four words of [`Random::words`] for the counter with these low and high words.
    #[cube]
    pub(crate) fn random_words(
        counter: u32,
        counter_high: u32,
        seed: u32,
        seed_high: u32,
        stream: u32,
        stream_high: u32,
    ) -> Array<u32> {
        let multiplier = comptime!(MULTIPLIERS);
        let step = comptime!(KEY_STEPS);
        let mut words = Array::<u32>::new(4usize);
        words[0] = counter;
        words[1] = counter_high;
        words[2] = stream;
        words[3] = stream_high;
        let mut key = seed;
        let mut key_high = seed_high;
        #[unroll]
        for _ in 0..ROUNDS {
            let left = words[0];
            let right = words[2];
            words[0] = right.mul_hi(comptime!(multiplier[1])) ^ words[1] ^ key;
            words[1] = right * comptime!(multiplier[1]);
            words[2] = left.mul_hi(comptime!(multiplier[0])) ^ words[3] ^ key_high;
            words[3] = left * comptime!(multiplier[0]);
            key += comptime!(step[0]);
            key_high += comptime!(step[1]);
        }
        words
    }
}

#[cfg(all(test, feature = "gpu"))]
mod cube_tests {
    use super::Random;
    use super::cube::{random_words, source_words};
    use burn::backend::DispatchDevice;
    use cubecl::prelude::*;

    const COUNTERS: usize = 1000;

    #[cube(launch)]
    fn dump(words: &mut [u32], counter_high: u32, seed: u32, seed_high: u32, stream: u32, stream_high: u32) {
        let counter = ABSOLUTE_POS;
        if counter * 4 < words.len() {
            let drawn = random_words(counter as u32, counter_high, seed, seed_high, stream, stream_high);
            #[unroll]
            for word in 0..4usize {
                words[counter * 4 + word] = drawn[word];
            }
        }
    }

    #[test]
    fn words_are_the_same_bits_on_every_device() {
        let device = match crate::devices::device("gpu") {
            Ok(device) => device,
            Err(reason) => {
                println!("SKIPPED words_are_the_same_bits_on_every_device: {reason}");
                return;
            }
        };
        let DispatchDevice::Cube(device) = device.as_dispatch() else { panic!("no CubeCL device") };
        let client = device.client();
        for (seed, stream, counter_high) in
            [(0, 0, 0), (1, 7, 0), (u64::MAX, 1 << 40, 3), (1 << 33, u64::MAX, u32::MAX)]
        {
            let random = Random::new(seed, stream);
            let [low, high, stream, stream_high] = source_words(random);
            let words = client.empty(COUNTERS * 16);
            #[expect(unsafe_code, reason = "the buffer was made with so many words")]
            let argument = unsafe { BufferArg::from_raw_parts(words.clone(), COUNTERS * 4) };
            let cubes = CubeCount::Static(COUNTERS.div_ceil(64) as u32, 1, 1);
            dump::launch(
                &client,
                cubes,
                CubeDim::new_1d(64),
                argument,
                counter_high,
                low,
                high,
                stream,
                stream_high,
            );
            let found = client.read_one(words).unwrap();
            let expected = (0..COUNTERS as u64)
                .flat_map(|counter| random.words(u64::from(counter_high) << 32 | counter));
            assert_eq!(u32::from_bytes(&found), expected.collect::<Vec<_>>());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers published with the Random123 library.
    #[test]
    fn philox_gives_the_published_answers() {
        let zeros = philox4x32_10([0; 4], [0; 2]);
        assert_eq!(zeros, [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        let ones = philox4x32_10([u32::MAX; 4], [u32::MAX; 2]);
        assert_eq!(ones, [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        let pi =
            philox4x32_10([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]);
        assert_eq!(pi, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
    }

    #[test]
    fn draws_depend_on_seed_stream_and_counter_alone() {
        let random = Random::new(7, 3);
        assert_eq!(random.words(5), Random::new(7, 3).words(5));
        let others = [random.words(6), Random::new(8, 3).words(5), Random::new(7, 4).words(5)];
        assert!(others.iter().all(|other| *other != random.words(5)));
        assert_ne!(random.split(1), random.split(2));
        assert_ne!(random.split(1).words(5), random.words(5));
        let lanes = random.word_lanes([5, 1 << 40]);
        assert_eq!(lanes.map(|words| words[0]), random.words(5));
        assert_eq!(lanes.map(|words| words[1]), random.words(1 << 40));
    }

    #[test]
    fn logarithm_and_sines_match_the_platform() {
        for step in 0..4096_u32 {
            let word = step.wrapping_mul(1_048_573).wrapping_add(step);
            let expected = ((f64::from(word) + 1.0) / 4_294_967_296.0).ln();
            assert!(
                (ln_of_fraction(word) - expected).abs() <= 1e-14 * (1.0 + expected.abs()),
                "ln at {word}"
            );
            let angle = f64::from(word) / 4_294_967_296.0 * std::f64::consts::TAU;
            let (sine, cosine) = sine_cosine_of_turn(word);
            assert!(
                (sine - angle.sin()).abs() < 1e-15 && (cosine - angle.cos()).abs() < 1e-15,
                "turn at {word}"
            );
        }
        assert_eq!(ln_of_fraction(u32::MAX), 0.0);
        assert!(ln_of_fraction(0).is_finite());
    }

    #[test]
    fn uniforms_fill_the_interval_evenly() {
        let random = Random::new(1, 0);
        let mut bins = [0_u32; 16];
        for value in (0..16_000).flat_map(|counter| random.uniforms(counter)) {
            assert!((0.0..1.0).contains(&value));
            bins[(value * 16.0) as usize] += 1;
        }
        // Chi-square with 15 degrees of freedom exceeds 37.7 once in a thousand seeds.
        let chi_square: f64 = bins.iter().map(|&count| (f64::from(count) - 4000.0).powi(2) / 4000.0).sum();
        assert!(chi_square < 37.7, "chi-square {chi_square}");
        assert_eq!(unit_interval(u32::MAX), 1.0 - f32::EPSILON / 2.0);
    }

    #[test]
    fn normals_have_the_moments_of_the_distribution() {
        let random = Random::new(2, 9);
        let values: Vec<f64> =
            (0..50_000).flat_map(|counter| random.normals(counter)).map(f64::from).collect();
        let moment = |power| values.iter().map(|value| value.powi(power)).sum::<f64>() / values.len() as f64;
        assert!(moment(1).abs() < 0.01 && (moment(2) - 1.0).abs() < 0.015, "{} {}", moment(1), moment(2));
        assert!(moment(3).abs() < 0.03 && (moment(4) - 3.0).abs() < 0.1, "{} {}", moment(3), moment(4));
        let neighbours: f64 =
            values.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>() / values.len() as f64;
        assert!(neighbours.abs() < 0.01, "correlation of neighbours {neighbours}");
    }

    #[test]
    fn integers_stay_below_their_count() {
        let random = Random::new(3, 0);
        let mut counts = [0_u32; 5];
        (0..5000).for_each(|counter| counts[random.below(counter, 5) as usize] += 1);
        assert!(counts.iter().all(|&count| (850..1150).contains(&count)), "{counts:?}");
        assert_eq!(random.below(0, 0), 0);
    }
}
