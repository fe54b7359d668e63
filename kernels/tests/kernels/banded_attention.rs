use crate::common::{assert_close, cpu, finite_differences, gpu, moved, normal, values};
use burn::tensor::{DType, Device, Tensor, TensorData, activation::softmax};
use esarm_kernels::KernelError;
use esarm_kernels::banded_attention::{Attended, Band, MOST_WIDTH, alibi_slopes, banded_attention};

/// Shapes `[batch, heads, frames, width]` on and beside the edges of blocks.
const SHAPES: [[usize; 4]; 5] = [[1, 1, 1, 1], [1, 2, 5, 3], [2, 3, 33, 16], [1, 2, 50, 20], [1, 1, 70, 65]];
const BANDS: [(usize, usize); 5] = [(0, 0), (4, 0), (0, 3), (17, 9), (1000, 1000)];

fn band((before_frames, after_frames): (usize, usize)) -> Band {
    Band { before_frames, after_frames, first_query: 0 }
}

fn slopes(heads: usize, device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(alibi_slopes(heads), [heads]), device)
}

/// Queries, keys and values of one shape.
fn inputs(shape: [usize; 4], device: &Device) -> [Tensor<4>; 3] {
    [1, 2, 3].map(|stream| normal(shape, stream, device))
}

fn attend([queries, keys, values]: [Tensor<4>; 3], band: Band) -> Tensor<4> {
    let slopes = slopes(queries.dims()[1], &queries.device());
    banded_attention(queries, Attended { keys, values, slopes }, band).unwrap()
}

/// The same by Burn's dense operations: every score, then a mask.
fn dense([queries, keys, values]: [Tensor<4>; 3], band: Band) -> Tensor<4> {
    let device = queries.device();
    let [_, heads, frames, width] = queries.dims();
    let key_count = keys.dims()[2];
    let distances: Vec<f32> = (0..frames * key_count)
        .map(|at| (at % key_count) as f32 - (at / key_count + band.first_query) as f32)
        .collect();
    let distances = Tensor::<4>::from_data(TensorData::new(distances, [1, 1, frames, key_count]), &device);
    let early = distances.clone().lower_elem(-(band.before_frames as f32));
    let unseen = early.bool_or(distances.clone().greater_elem(band.after_frames as f32));
    let bias = distances.abs() * slopes(heads, &device).reshape([1, heads, 1, 1]);
    let scores = queries.matmul(keys.swap_dims(2, 3)) / (width as f32).sqrt() - bias;
    let shape = scores.dims();
    softmax(scores.mask_fill(unseen.expand(shape), -1e9), 3).matmul(values)
}

#[test]
fn outputs_are_those_of_dense_masked_attention() {
    for shape in SHAPES {
        for frames in BANDS {
            let inputs = inputs(shape, &cpu());
            let expected = values(&dense(inputs.clone(), band(frames)));
            assert_close(&values(&attend(inputs, band(frames))), &expected, 2e-6);
        }
    }
}

#[test]
fn the_gpu_equals_the_twin() {
    let Some(gpu) = gpu("banded_attention: the_gpu_equals_the_twin") else { return };
    for (shape, frames) in SHAPES.into_iter().zip([(0, 0), (1, 2), (17, 9), (7, 0), (1000, 40)]) {
        let inputs = inputs(shape, &cpu());
        let expected = values(&attend(inputs.clone(), band(frames)));
        let on_gpu = inputs.each_ref().map(|tensor| moved(tensor, &gpu));
        assert_close(&values(&attend(on_gpu, band(frames))), &expected, 1e-5);
        // Frames before heads, as a projection gives them: not contiguous.
        let turned = inputs.map(|tensor| moved(&tensor.swap_dims(1, 2), &gpu).swap_dims(1, 2));
        assert_close(&values(&attend(turned, band(frames))), &expected, 1e-5);
    }
}

#[test]
fn half_precision_is_summed_in_single() {
    let devices = [Some(cpu()), gpu("banded_attention: half_precision_is_summed_in_single")];
    for device in devices.into_iter().flatten() {
        if !device.supports_dtype(DType::F16) {
            println!("SKIPPED banded_attention: half_precision_is_summed_in_single: no f16 on {device:?}");
            continue;
        }
        let half = inputs([1, 2, 40, 24], &cpu()).map(|tensor| tensor.cast(DType::F16).cast(DType::F32));
        let expected = values(&attend(half.clone(), band((9, 5))));
        let found = attend(half.map(|tensor| moved(&tensor, &device).cast(DType::F16)), band((9, 5)));
        assert_eq!(found.dtype(), DType::F16);
        // Half a unit in the last place of f16 is 2^-11.
        assert_close(&values(&found.cast(DType::F32)), &expected, 6e-4);
    }
}

#[test]
fn windows_equal_the_whole_at_the_seams() {
    let devices = [Some(cpu()), gpu("banded_attention: windows_equal_the_whole_at_the_seams")];
    for device in devices.into_iter().flatten() {
        let [queries, keys, of_values] = inputs([1, 2, 90, 12], &device);
        let (before, after) = (11, 6);
        let whole = attend([queries.clone(), keys.clone(), of_values.clone()], band((before, after)));
        for (start, end) in [(0, 20), (20, 53), (53, 90)] {
            let (first, last) = (usize::saturating_sub(start, before), usize::min(end + after, 90));
            let window = [
                queries.clone().narrow(2, start, end - start),
                keys.clone().narrow(2, first, last - first),
                of_values.clone().narrow(2, first, last - first),
            ];
            let found = attend(window, Band { first_query: start - first, ..band((before, after)) });
            assert_close(&values(&found), &values(&whole.clone().narrow(2, start, end - start)), 2e-6);
        }
    }
}

/// A scalar that weighs every output differently.
fn weighed(outputs: Tensor<4>) -> Tensor<1> {
    let weights = normal(outputs.dims(), 7, &outputs.device());
    (outputs * weights).sum()
}

/// Slopes of [`weighed`] in queries, keys and values.
fn slopes_of(
    inputs: &[Tensor<4>; 3],
    device: &Device,
    function: impl Fn([Tensor<4>; 3]) -> Tensor<4>,
) -> [Vec<f32>; 3] {
    let device = device.clone().autodiff();
    let tracked = inputs.each_ref().map(|tensor| moved(tensor, &device).require_grad());
    let gradients = weighed(function(tracked.clone())).backward();
    tracked.map(|tensor| values(&tensor.grad(&gradients).unwrap()))
}

#[test]
fn gradients_are_those_of_dense_masked_attention() {
    let devices = [Some(cpu()), gpu("banded_attention: gradients_are_those_of_dense_masked_attention")];
    for device in devices.into_iter().flatten() {
        for (shape, frames) in SHAPES.into_iter().zip([(0, 0), (1, 2), (17, 9), (7, 0), (1000, 40)]) {
            let inputs = inputs(shape, &cpu());
            let expected = slopes_of(&inputs, &cpu(), |inputs| dense(inputs, band(frames)));
            let found = slopes_of(&inputs, &device, |inputs| attend(inputs, band(frames)));
            for (found, expected) in found.iter().zip(&expected) {
                assert_close(found, expected, 2e-5);
            }
        }
    }
}

#[test]
fn gradients_of_fewer_queries_than_keys_reach_the_keys_around() {
    let devices =
        [Some(cpu()), gpu("banded_attention: gradients_of_fewer_queries_than_keys_reach_the_keys_around")];
    for device in devices.into_iter().flatten() {
        let [queries, keys, of_values] = inputs([1, 2, 60, 8], &cpu());
        let inputs = [queries.narrow(2, 0, 21), keys, of_values];
        let band = Band { before_frames: 6, after_frames: 10, first_query: 17 };
        let expected = slopes_of(&inputs, &cpu(), |inputs| dense(inputs, band));
        let found = slopes_of(&inputs, &device, |inputs| attend(inputs, band));
        for (found, expected) in found.iter().zip(&expected) {
            assert_close(found, expected, 2e-5);
        }
    }
}

#[test]
fn gradients_are_the_slopes() {
    let inputs = inputs([1, 2, 7, 3], &cpu());
    let found = slopes_of(&inputs, &cpu(), |inputs| attend(inputs, band((2, 1))));
    for (index, found) in found.iter().enumerate() {
        let expected = finite_differences(&inputs[index], 1e-2, |changed| {
            let mut inputs = inputs.clone();
            inputs[index] = changed;
            weighed(attend(inputs, band((2, 1)))).into_scalar::<f32>()
        });
        assert_close(found, &expected, 2e-3);
    }
}

#[test]
fn great_scores_do_not_overflow() {
    let devices = [Some(cpu()), gpu("banded_attention: great_scores_do_not_overflow")];
    for device in devices.into_iter().flatten() {
        let [queries, keys, of_values] = inputs([1, 1, 40, 4], &device);
        let found = attend([queries * 1e4, keys * 1e4, of_values], band((20, 20)));
        assert!(values(&found).iter().all(|value| value.is_finite()));
    }
}

#[test]
fn slopes_of_heads_fall_by_powers_of_two() {
    assert_eq!(alibi_slopes(8)[..3], [0.5, 0.25, 0.125]);
    assert!(alibi_slopes(0).is_empty());
}

#[test]
fn nothing_is_fine_and_other_shapes_are_refused() {
    let zeros = |shape| Tensor::<4>::zeros(shape, &cpu());
    let attended = |keys: [usize; 4], values: [usize; 4], heads: usize| Attended {
        keys: zeros(keys),
        values: zeros(values),
        slopes: slopes(heads, &cpu()),
    };
    let shape = [1, 2, 5, 4];
    let none = banded_attention(zeros([1, 2, 0, 4]), attended(shape, shape, 2), band((1, 1))).unwrap();
    assert_eq!(none.dims(), [1, 2, 0, 4]);
    let refused = |attended, band| banded_attention(zeros(shape), attended, band).unwrap_err();
    let named = |error: KernelError, name: &str| {
        assert!(matches!(error, KernelError::Shape { argument, .. } if argument == name), "{error}");
    };
    named(refused(attended([1, 3, 5, 4], shape, 2), band((1, 1))), "keys");
    named(refused(attended(shape, [1, 2, 6, 4], 2), band((1, 1))), "values");
    named(refused(attended(shape, shape, 3), band((1, 1))), "slopes");
    let late = Band { first_query: 1, ..band((1, 1)) };
    assert!(refused(attended(shape, shape, 2), late).to_string().contains("first_query"));
    assert!(
        refused(attended([1, 2, 4, 4], [1, 2, 4, 4], 2), band((1, 1))).to_string().contains("first_query")
    );
    let wide = [1, 1, 2, MOST_WIDTH + 1];
    let refused = banded_attention(zeros(wide), attended(wide, wide, 1), band((1, 1))).unwrap_err();
    assert!(refused.to_string().contains("width"), "{refused}");
}
