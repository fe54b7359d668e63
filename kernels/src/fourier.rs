//! Real Fourier transform of powers of two in the shared memory of a cube (Cooley and Tukey 1965), two radix-2 stages a step.

use cubecl::prelude::*;

/// Cosines and negative sines of the first quarter turn, `e^(-2πi k / length)` for `k` in `0..=length / 4`, in pairs.
///
/// A table, because the sines of GPUs may be off by 5e-4.
pub(crate) fn turns(length: usize) -> Vec<f32> {
    let turn = |k: usize| {
        let angle = std::f64::consts::TAU * k as f64 / length as f64;
        [angle.cos() as f32, -angle.sin() as f32]
    };
    (0..=length / 4).flat_map(turn).collect()
}

/// Where element `index` of a transform of `2^log2_length` goes before [`transform`].
#[cube]
fn bit_reversed(index: usize, #[comptime] log2_length: usize) -> usize {
    let mut reversed = 0usize;
    let mut rest = index;
    #[unroll]
    for _ in 0..log2_length {
        reversed = (reversed << 1usize) | (rest & 1usize);
        rest >>= 1usize;
    }
    reversed
}

/// Transforms `2^log2_length` values in place, which lie in bit-reversed order. `turns` is the table of a transform
/// `spread` times as long. All units of the cube must call it, after the values are written and synchronised.
#[cube]
fn transform(
    re: &mut Shared<[f32]>,
    im: &mut Shared<[f32]>,
    turns: &[f32],
    #[comptime] log2_length: usize,
    #[comptime] spread: usize,
) {
    let length = comptime!(1usize << log2_length);
    if comptime!(log2_length % 2 == 1) {
        pairs(re, im, length);
    }
    let steps = comptime!(log2_length / 2);
    let mut distance = comptime!(1usize << (log2_length % 2)).runtime();
    #[unroll]
    for _ in 0..steps {
        quadruples(re, im, turns, distance, length, spread);
        distance *= 4usize;
    }
}

/// The first radix-2 stage, which needs no turns.
#[cube]
fn pairs(re: &mut Shared<[f32]>, im: &mut Shared<[f32]>, #[comptime] length: usize) {
    let mut pair = UNIT_POS as usize;
    while pair < comptime!(length / 2) {
        let at = 2usize * pair;
        let (a_re, a_im) = (re[at], im[at]);
        let (b_re, b_im) = (re[at + 1], im[at + 1]);
        re[at] = a_re + b_re;
        im[at] = a_im + b_im;
        re[at + 1] = a_re - b_re;
        im[at + 1] = a_im - b_im;
        pair += CUBE_DIM as usize;
    }
    sync_cube();
}

/// Two radix-2 stages, of values `distance` and `2 distance` apart.
#[cube]
fn quadruples(
    re: &mut Shared<[f32]>,
    im: &mut Shared<[f32]>,
    turns: &[f32],
    distance: usize,
    #[comptime] length: usize,
    #[comptime] spread: usize,
) {
    let quarter = comptime!(length / 4);
    let mut index = UNIT_POS as usize;
    while index < quarter {
        let offset = index % distance;
        let at_a = (index - offset) * 4usize + offset;
        let at_b = at_a + distance;
        let at_c = at_b + distance;
        let at_d = at_c + distance;
        // The turn of the second stage; its square is that of the first.
        let turn = offset * (quarter / distance) * spread * 2usize;
        let (w_re, w_im) = (turns[turn], turns[turn + 1]);
        let (v_re, v_im) = (w_re * w_re - w_im * w_im, 2.0f32 * w_re * w_im);

        let (b_re, b_im) = (v_re * re[at_b] - v_im * im[at_b], v_re * im[at_b] + v_im * re[at_b]);
        let (d_re, d_im) = (v_re * re[at_d] - v_im * im[at_d], v_re * im[at_d] + v_im * re[at_d]);
        let (ab_re, ab_im) = (re[at_a] + b_re, im[at_a] + b_im);
        let (ba_re, ba_im) = (re[at_a] - b_re, im[at_a] - b_im);
        let (cd_re, cd_im) = (re[at_c] + d_re, im[at_c] + d_im);
        let (dc_re, dc_im) = (re[at_c] - d_re, im[at_c] - d_im);

        let (c_re, c_im) = (w_re * cd_re - w_im * cd_im, w_re * cd_im + w_im * cd_re);
        // A quarter turn further: times -i.
        let (e_re, e_im) = (w_re * dc_im + w_im * dc_re, w_im * dc_im - w_re * dc_re);
        re[at_a] = ab_re + c_re;
        im[at_a] = ab_im + c_im;
        re[at_c] = ab_re - c_re;
        im[at_c] = ab_im - c_im;
        re[at_b] = ba_re + e_re;
        im[at_b] = ba_im + e_im;
        re[at_d] = ba_re - e_re;
        im[at_d] = ba_im - e_im;
        index += CUBE_DIM as usize;
    }
    sync_cube();
}

/// Sample `n` of the window that begins at clip sample `start`, times its weight; zero outside of both.
#[cube]
fn windowed<F: Float>(clip: &[F], start: i32, window: &[f32], n: usize) -> f32 {
    let at = start + n as i32;
    let mut value = 0.0f32;
    if n < window.len() && at >= 0 && at < clip.len() as i32 {
        value = f32::cast_from(clip[at as usize]) * window[n];
    }
    value
}

/// Puts the windowed samples into `re` (even ones) and `im` (odd ones), in bit-reversed order.
#[cube]
pub(crate) fn windowed_pairs<F: Float>(
    re: &mut Shared<[f32]>,
    im: &mut Shared<[f32]>,
    clip: &[F],
    start: i32,
    window: &[f32],
    #[comptime] log2_half: usize,
) {
    let mut pair = UNIT_POS as usize;
    while pair < comptime!(1usize << log2_half) {
        let slot = bit_reversed(pair, log2_half);
        re[slot] = windowed::<F>(clip, start, window, 2 * pair);
        im[slot] = windowed::<F>(clip, start, window, 2 * pair + 1);
        pair += CUBE_DIM as usize;
    }
}

/// The power of the bins of the real transform of pairs of even and odd samples, which lie in bit-reversed order; that of
/// the highest bin goes to `im[0]`, the others to `re`. All units of the cube must call it.
#[cube]
pub(crate) fn powers(
    re: &mut Shared<[f32]>,
    im: &mut Shared<[f32]>,
    turns: &[f32],
    #[comptime] log2_half: usize,
) {
    let half = comptime!(1usize << log2_half);
    transform(re, im, turns, log2_half, 2usize);
    let mut bin = UNIT_POS as usize;
    while bin <= comptime!(half / 2) {
        if bin == 0 {
            let (sum, difference) = (re[0] + im[0], re[0] - im[0]);
            re[0] = sum * sum;
            im[0] = difference * difference;
        } else {
            let mirror = half - bin;
            let (even_re, even_im) = (0.5f32 * (re[bin] + re[mirror]), 0.5f32 * (im[bin] - im[mirror]));
            let (odd_re, odd_im) = (0.5f32 * (im[bin] + im[mirror]), 0.5f32 * (re[mirror] - re[bin]));
            let (w_re, w_im) = (turns[2 * bin], turns[2 * bin + 1]);
            let (turned_re, turned_im) = (w_re * odd_re - w_im * odd_im, w_re * odd_im + w_im * odd_re);
            let (low_re, low_im) = (even_re + turned_re, even_im + turned_im);
            let (high_re, high_im) = (even_re - turned_re, even_im - turned_im);
            re[mirror] = high_re * high_re + high_im * high_im;
            re[bin] = low_re * low_re + low_im * low_im;
        }
        bin += CUBE_DIM as usize;
    }
    sync_cube();
}

/// The sum of a value over the units of the cube, for each of them; `parts` has a place for each. All units of the cube
/// must call it.
#[cube]
pub(crate) fn cube_sum(value: f32, parts: &mut Shared<[f32]>) -> f32 {
    parts[UNIT_POS as usize] = value;
    sync_cube();
    let mut sum = 0.0f32;
    for unit in 0..CUBE_DIM as usize {
        sum += parts[unit];
    }
    sync_cube();
    sum
}
