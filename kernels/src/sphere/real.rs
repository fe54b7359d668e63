//! Numbers that the sphere is computed in.

use num_traits::Float;
use std::f32::consts::{FRAC_2_PI, FRAC_PI_2, PI};

/// A float with angles: f64 by the platform, f32 by polynomials that the compiler turns into vector instructions.
pub trait Real: Float {
    /// Half a turn in radians.
    const HALF_TURN: Self;
    /// A vector shorter than this has no direction.
    const LEAST_LENGTH: Self;
    /// Directions within this angle, radians, and those within this of opposite ones have no great circle.
    const LEAST_ANGLE: Self;

    /// The angle of the point (`x`, `self`) from the x axis, in -π..π.
    fn angle_from(self, x: Self) -> Self;

    /// Sine and cosine of an angle in radians.
    fn sine_cosine(self) -> (Self, Self);
}

impl Real for f64 {
    const HALF_TURN: Self = std::f64::consts::PI;
    const LEAST_LENGTH: Self = 1e-9;
    const LEAST_ANGLE: Self = 1e-6;

    #[inline(always)]
    fn angle_from(self, x: Self) -> Self {
        self.atan2(x)
    }

    #[inline(always)]
    fn sine_cosine(self) -> (Self, Self) {
        self.sin_cos()
    }
}

/// `atan(x) / x` in powers of `x²` on 0..1, within 1.4e-8 of it everywhere (fitted by Lawson's algorithm).
const ARC_TANGENT: [f32; 9] = [
    1.0,
    -0.333_330_93,
    0.199_930_53,
    -0.142_071_34,
    0.106_546_775,
    -0.075_336_76,
    0.043_039_367,
    -0.016_283_007,
    0.002_903_552_5,
];
/// `sin(x) / x` and `cos(x)` in powers of `x²`: Taylor's, within 1e-8 on -π/4..π/4.
const SINE: [f32; 5] = [1.0, -1.0 / 6.0, 1.0 / 120.0, -1.0 / 5040.0, 1.0 / 362_880.0];
const COSINE: [f32; 6] = [1.0, -0.5, 1.0 / 24.0, -1.0 / 720.0, 1.0 / 40_320.0, -1.0 / 3_628_800.0];
/// Adding it rounds to a whole number, which then stands in the lowest bits.
const ROUNDER: f32 = 12_582_912.0;
/// A quarter of a turn in two parts, of which the first has few enough bits to be multiplied exactly.
const QUARTER: [f32; 2] = [1.570_312_5, 4.838_268e-4];

impl Real for f32 {
    const HALF_TURN: Self = PI;
    const LEAST_LENGTH: Self = 1e-9;
    const LEAST_ANGLE: Self = 1e-6;

    #[inline(always)]
    fn angle_from(self, x: Self) -> Self {
        let (up, along) = (self.abs(), x.abs());
        let (less, more) = if up > along { (along, up) } else { (up, along) };
        let slope = if more > 0.0 { less / more } else { 0.0 };
        let eighth = slope * polynomial(&ARC_TANGENT, slope * slope);
        let quarter = if up > along { FRAC_PI_2 - eighth } else { eighth };
        let half = if x.is_sign_negative() { PI - quarter } else { quarter };
        half.copysign(self)
    }

    /// Within 2e-7 for angles up to 1000 turns.
    #[inline(always)]
    fn sine_cosine(self) -> (Self, Self) {
        let shifted = self * FRAC_2_PI + ROUNDER;
        let (quarters, count) = (shifted - ROUNDER, shifted.to_bits());
        let rest = (self - quarters * QUARTER[0]) - quarters * QUARTER[1];
        let square = rest * rest;
        let (sine, cosine) = (rest * polynomial(&SINE, square), polynomial(&COSINE, square));
        let odd = count & 1 != 0;
        let (sine, cosine) = if odd { (cosine, -sine) } else { (sine, cosine) };
        if count & 2 != 0 { (-sine, -cosine) } else { (sine, cosine) }
    }
}

#[inline(always)]
fn polynomial<const TERMS: usize>(terms: &[f32; TERMS], x: f32) -> f32 {
    let mut sum = terms[TERMS - 1];
    for term in terms.iter().rev().skip(1) {
        sum = sum * x + term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_are_those_of_the_platform() {
        for step in -4000..=4000 {
            let angle = step as f32 * 1.234e-2;
            let (sine, cosine) = angle.sine_cosine();
            let (expected_sine, expected_cosine) = f64::from(angle).sin_cos();
            assert!((f64::from(sine) - expected_sine).abs() < 4e-7, "sin {angle} is {sine}");
            assert!((f64::from(cosine) - expected_cosine).abs() < 4e-7, "cos {angle} is {cosine}");
            let found = sine.angle_from(cosine);
            let expected = f64::from(sine).atan2(f64::from(cosine));
            assert!(
                (f64::from(found) - expected).abs() < 4e-7,
                "atan2 of {angle} is {found}, not {expected}"
            );
        }
        let corners =
            [(0.0, 1.0), (0.0, -1.0), (1.0, 0.0), (-1.0, 0.0), (0.0, 0.0), (1e-30, 1e-30), (1.0, -1.0)];
        for (y, x) in corners {
            assert!((Real::angle_from(y, x) - f32::atan2(y, x)).abs() < 3e-7, "atan2({y}, {x})");
        }
    }
}
