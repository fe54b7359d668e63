//! Normal numbers in f32 of random words, by formulas that processors compute side by side and GPUs compute too, within
//! 2e-6 of [`Random::normals`](crate::random::Random::normals). On processors they are the same bits everywhere.

use std::f32::consts::{FRAC_1_SQRT_2, FRAC_PI_2, LN_2, SQRT_2};

/// Counters side by side.
pub(crate) const LANES: usize = 16;

/// From here on a word is a fraction above 1/√2.
const NEAR_ONE: u32 = 0xB504_F334;
/// Radians of a unit of the lower 30 bits of a word.
const ANGLE_OF_UNIT: f32 = FRAC_PI_2 / 1_073_741_824.0;

/// Four independent standard normal numbers of the words of each counter. Inlined, so that the caller's instruction set
/// applies.
#[inline(always)]
pub(crate) fn normal_lanes(words: &[[u32; LANES]; 4]) -> [[f32; LANES]; 4] {
    let mut normals = [[0.0; LANES]; 4];
    for pair in [0, 2] {
        for lane in 0..LANES {
            let radius = radius(words[pair][lane]);
            let [sine, cosine] = sine_cosine_of_turn(words[pair + 1][lane]);
            normals[pair][lane] = radius * cosine;
            normals[pair + 1][lane] = radius * sine;
        }
    }
    normals
}

/// `√(-2 ln((word + 1) / 2^32))`.
///
/// Near 1 the distance to 1 is known exactly, and elsewhere the mantissa and the exponent: the artanh series of the
/// logarithm then needs five terms.
#[inline(always)]
fn radius(word: u32) -> f32 {
    let missing = (!word) as f32 * (1.0 / 4_294_967_296.0);
    let bits = (word.wrapping_add(1) as f32).to_bits();
    let mantissa = f32::from_bits((bits & 0x007F_FFFF) | 0x3F80_0000);
    let exponent = (bits >> 23) as f32 - (127.0 + 32.0);
    let above = mantissa > SQRT_2;
    let mantissa = if above { 0.5 * mantissa } else { mantissa };
    let exponent = if above { exponent + 1.0 } else { exponent };
    let near_one = word >= NEAR_ONE;
    let above_one = if near_one { -missing } else { mantissa - 1.0 };
    let sum = if near_one { 2.0 - missing } else { mantissa + 1.0 };
    let exponent = if near_one { 0.0 } else { exponent };
    let ratio = above_one / sum;
    let square = ratio * ratio;
    let series =
        1.0 + square * (1.0 / 3.0 + square * (1.0 / 5.0 + square * (1.0 / 7.0 + square * (1.0 / 9.0))));
    (-2.0 * (exponent * LN_2 + 2.0 * ratio * series)).max(0.0).sqrt()
}

/// Sine and cosine of `word / 2^32` of a full turn, by the Taylor series around the middle of its quarter.
#[inline(always)]
fn sine_cosine_of_turn(word: u32) -> [f32; 2] {
    let from_middle = ((word & 0x3FFF_FFFF).cast_signed() - 0x2000_0000) as f32;
    let angle = from_middle * ANGLE_OF_UNIT;
    let square = angle * angle;
    let sine = angle
        * (1.0
            - square
                * (1.0 / 6.0)
                * (1.0
                    - square * (1.0 / 20.0) * (1.0 - square * (1.0 / 42.0) * (1.0 - square * (1.0 / 72.0)))));
    let cosine = 1.0
        - square
            * 0.5
            * (1.0
                - square
                    * (1.0 / 12.0)
                    * (1.0
                        - square
                            * (1.0 / 30.0)
                            * (1.0 - square * (1.0 / 56.0) * (1.0 - square * (1.0 / 90.0)))));
    let (ahead, behind) = ((cosine + sine) * FRAC_1_SQRT_2, (cosine - sine) * FRAC_1_SQRT_2);
    let odd = word & 0x4000_0000 != 0;
    let (sine, cosine) = if odd { (behind, -ahead) } else { (ahead, behind) };
    if word & 0x8000_0000 != 0 { [-sine, -cosine] } else { [sine, cosine] }
}

#[cfg(feature = "gpu")]
pub(crate) mod cube {
    use super::{ANGLE_OF_UNIT, NEAR_ONE};
    use cubecl::prelude::*;
    use std::f32::consts::{FRAC_1_SQRT_2, LN_2, SQRT_2};

    /// Four independent standard normal numbers of four words.
    #[cube]
    pub(crate) fn normals(words: &Array<u32>) -> Array<f32> {
        let mut normals = Array::<f32>::new(4usize);
        let first = radius(words[0]);
        let second = radius(words[2]);
        normals[0] = first * cosine_of_turn(words[1]);
        normals[1] = first * sine_of_turn(words[1]);
        normals[2] = second * cosine_of_turn(words[3]);
        normals[3] = second * sine_of_turn(words[3]);
        normals
    }

    /// `√(-2 ln((word + 1) / 2^32))`.
    ///
    /// Near 1 the distance to 1 is known exactly, and elsewhere the mantissa and the exponent: the artanh series of the
    /// logarithm then needs five terms.
    #[cube]
    fn radius(word: u32) -> f32 {
        let missing = f32::cast_from(u32::MAX - word) / 4_294_967_296.0f32;
        let mut above_one = -missing;
        let mut sum = 2.0f32 - missing;
        let mut exponent = 0.0f32;
        if word < NEAR_ONE {
            let value = word + 1;
            let bits = 31u32 - value.leading_zeros();
            let mut mantissa = f32::cast_from(value) / f32::cast_from(1u32 << bits);
            exponent = f32::cast_from(bits) - 32.0f32;
            if mantissa > SQRT_2 {
                mantissa *= 0.5f32;
                exponent += 1.0f32;
            }
            above_one = mantissa - 1.0f32;
            sum = mantissa + 1.0f32;
        }
        let ratio = above_one / sum;
        let square = ratio * ratio;
        let mut series = square * (1.0f32 / 9.0f32) + 1.0f32 / 7.0f32;
        series = series * square + 1.0f32 / 5.0f32;
        series = series * square + 1.0f32 / 3.0f32;
        series = series * square + 1.0f32;
        let logarithm = exponent * LN_2 + 2.0f32 * ratio * series;
        max(logarithm * -2.0f32, 0.0f32).sqrt()
    }

    /// Cosine of `word / 2^32` of a full turn.
    #[cube]
    fn cosine_of_turn(word: u32) -> f32 {
        // A quarter of a turn ahead the sine is the cosine.
        sine_of_turn(word + 0x4000_0000)
    }

    /// Sine of `word / 2^32` of a full turn, by the Taylor series around the middle of its quarter.
    #[cube]
    fn sine_of_turn(word: u32) -> f32 {
        let from_middle = f32::cast_from(i32::cast_from(word & 0x3FFF_FFFF) - 0x2000_0000);
        let angle = from_middle * ANGLE_OF_UNIT;
        let square = angle * angle;
        let sine = angle
            * (1.0
                - square
                    * (1.0f32 / 6.0f32)
                    * (1.0
                        - square
                            * (1.0f32 / 20.0f32)
                            * (1.0 - square * (1.0f32 / 42.0f32) * (1.0 - square * (1.0f32 / 72.0f32)))));
        let cosine = 1.0
            - square
                * 0.5
                * (1.0
                    - square
                        * (1.0f32 / 12.0f32)
                        * (1.0
                            - square
                                * (1.0f32 / 30.0f32)
                                * (1.0 - square * (1.0f32 / 56.0f32) * (1.0 - square * (1.0f32 / 90.0f32)))));
        let quarter = word >> 30;
        // sin(π/4 + angle) and cos(π/4 + angle) = sin of the next quarter.
        let mut turned = (sine + cosine) * FRAC_1_SQRT_2;
        if quarter % 2 == 1 {
            turned = (cosine - sine) * FRAC_1_SQRT_2;
        }
        if quarter >= 2 { -turned } else { turned }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn lanes_are_the_normal_numbers_of_the_generator() {
        let random = Random::new(0x1234_5678_9ABC, 77);
        for block in 0..200 {
            let counters = std::array::from_fn(|lane| (block * LANES + lane) as u64 * 0x9_0000_0001);
            let found = normal_lanes(&random.word_lanes(counters));
            for (lane, counter) in counters.into_iter().enumerate() {
                for (found, expected) in found.iter().zip(random.normals(counter)) {
                    assert!((found[lane] - expected).abs() < 2e-6, "{} is not {expected}", found[lane]);
                }
            }
        }
    }

    #[test]
    fn radii_hold_at_the_ends_and_where_formulas_meet() {
        let near = [NEAR_ONE - 1, NEAR_ONE, NEAR_ONE + 1];
        let words = [0, 1, 2, 3, (1 << 31) - 1, 1 << 31, u32::MAX - 1, u32::MAX].into_iter().chain(near);
        for word in words {
            let expected = (-2.0 * ((f64::from(word) + 1.0) / 4_294_967_296.0).ln()).sqrt();
            let found = f64::from(radius(word));
            assert!((found - expected).abs() < 1e-6 * expected.max(1e-4), "{word}: {found}, not {expected}");
        }
    }
}
