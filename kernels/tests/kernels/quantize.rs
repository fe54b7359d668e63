use crate::common::{assert_close, cpu, finite_differences, gpu, moved, normal, rows, values};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use esarm_kernels::KernelError;
use esarm_kernels::quantize::{Draw, drawn_codes, nearest_codes, quantisation_losses, quantised};
use esarm_kernels::random::Random;

/// Vectors, codes and width on and beside the edges of blocks.
const SHAPES: [[usize; 3]; 6] = [[1, 1, 1], [5, 3, 2], [16, 8, 16], [17, 9, 33], [130, 40, 7], [64, 513, 4]];

fn indices(codes: &Tensor<1, Int>) -> Vec<i32> {
    codes.clone().into_data().iter::<i32>().collect()
}

fn nearest(vectors: &Tensor<2>, codebook: &Tensor<2>) -> Vec<i32> {
    indices(&nearest_codes(vectors.clone(), codebook.clone()).unwrap())
}

fn drawn(vectors: &Tensor<2>, codebook: &Tensor<2>, draw: Draw) -> Vec<i32> {
    indices(&drawn_codes(vectors.clone(), codebook.clone(), draw).unwrap())
}

fn draw(temperature: f32) -> Draw {
    Draw { temperature, random: Random::new(5, 1 << 33), first_vector: 0 }
}

fn devices(test: &str) -> impl Iterator<Item = Device> {
    [Some(cpu()), gpu(&format!("quantize: {test}"))].into_iter().flatten()
}

fn pair([vectors, codes, width]: [usize; 3], device: &Device) -> [Tensor<2>; 2] {
    [normal([vectors, width], 1, device), normal([codes, width], 2, device)]
}

#[test]
fn codes_are_those_of_scipy() {
    let reference: serde_json::Value =
        serde_json::from_str(include_str!("../reference/quantize.json")).unwrap();
    for device in devices("codes_are_those_of_scipy") {
        let [vectors, codebook] = ["vectors", "codebook"].map(|name| rows(&reference[name], &device));
        let codes = nearest_codes(vectors.clone(), codebook.clone()).unwrap();
        let expected: Vec<i32> = serde_json::from_value(reference["codes"].clone()).unwrap();
        assert_eq!(indices(&codes), expected);
        let losses = quantisation_losses(vectors, codebook, codes).unwrap();
        let expected = [reference["commitment"].as_f64().unwrap() as f32];
        assert_close(&values(&losses.commitment), &expected, 1e-5);
        assert_close(&values(&losses.codebook), &expected, 1e-5);
    }
}

#[test]
fn the_gpu_equals_the_twin() {
    let Some(gpu) = gpu("quantize: the_gpu_equals_the_twin") else { return };
    for shape in SHAPES {
        let [vectors, codebook] = pair(shape, &cpu());
        let [on_gpu, codes_on_gpu] = [&vectors, &codebook].map(|tensor| moved(tensor, &gpu));
        assert_eq!(nearest(&on_gpu, &codes_on_gpu), nearest(&vectors, &codebook), "{shape:?}");
        let turned = moved(&vectors.clone().transpose(), &gpu).transpose();
        assert_eq!(nearest(&turned, &codes_on_gpu), nearest(&vectors, &codebook), "{shape:?}");
        let (found, expected) =
            (drawn(&on_gpu, &codes_on_gpu, draw(2.0)), drawn(&vectors, &codebook, draw(2.0)));
        assert_eq!(found, expected, "{shape:?}");
    }
}

#[test]
fn ties_go_to_the_lower_index() {
    for device in devices("ties_go_to_the_lower_index") {
        // Whole numbers, so that equal distances are equal in every order of summing.
        let vectors = Tensor::<2>::from_floats([[0.0, 0.0], [2.0, 0.0], [1.0, 1.0]], &device);
        let few = Tensor::<2>::from_floats([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], &device);
        assert_eq!(nearest(&vectors, &few), [0, 0, 0]);
        // The same code over and over, further than a block of codes.
        let many = Tensor::cat(vec![few.clone().slice([1..2, 0..2]).repeat_dim(0, 30), few], 0);
        assert_eq!(nearest(&vectors, &many), [0, 30, 30]);
    }
}

#[test]
fn draws_depend_on_the_random_words_alone() {
    // All codes are equally near: the greatest noise wins, that is the greatest word but for its low bits.
    let (count, codes) = (200, 21);
    let random = draw(1.0).random;
    let word = |vector: u64, code: u64| random.words(vector << 32 | (code / 4))[(code % 4) as usize] >> 9;
    let expected: Vec<i32> = (0..count)
        .map(|vector| (0..codes).rev().max_by_key(|code| word(vector, *code)).unwrap() as i32)
        .collect();
    for device in devices("draws_depend_on_the_random_words_alone") {
        let (vectors, codebook) = (Tensor::zeros([200, 3], &device), Tensor::ones([21, 3], &device));
        assert_eq!(drawn(&vectors, &codebook, draw(0.7)), expected);
    }
}

#[test]
fn codes_are_drawn_as_often_as_their_distance_says() {
    let device = cpu();
    let vectors = Tensor::<2>::zeros([20_000, 1], &device);
    let codebook = Tensor::<2>::from_floats([[1.0], [0.0], [2.0]], &device);
    let mut counts = [0.0_f32; 3];
    drawn(&vectors, &codebook, draw(1.5)).iter().for_each(|code| counts[*code as usize] += 1.0 / 20_000.0);
    let shares = [-1.0_f32, 0.0, -4.0].map(|score| (score / 1.5).exp());
    let sum: f32 = shares.iter().sum();
    // Five standard deviations of a share at 20,000 draws are at most 0.018.
    assert_close(&counts, &shares.map(|share| share / sum), 0.018);
}

#[test]
fn cold_draws_are_the_nearest_codes() {
    let [vectors, codebook] = pair([40, 30, 6], &cpu());
    assert_eq!(drawn(&vectors, &codebook, draw(1e-4)), nearest(&vectors, &codebook));
}

#[test]
fn windows_equal_the_whole_at_the_seams() {
    for device in devices("windows_equal_the_whole_at_the_seams") {
        let [vectors, codebook] = pair([90, 12, 5], &device);
        let whole = drawn(&vectors, &codebook, draw(3.0));
        for (start, end) in [(0, 13), (13, 70), (70, 90)] {
            let window = vectors.clone().narrow(0, start, end - start);
            let draw = Draw { first_vector: start as u32, ..draw(3.0) };
            assert_eq!(drawn(&window, &codebook, draw), whole[start..end]);
        }
    }
}

#[test]
fn half_precision_is_summed_in_single() {
    for device in devices("half_precision_is_summed_in_single") {
        if !device.supports_dtype(DType::F16) {
            println!("SKIPPED quantize: half_precision_is_summed_in_single: no f16 on {device:?}");
            continue;
        }
        let half = pair([50, 20, 9], &cpu()).map(|tensor| tensor.cast(DType::F16));
        let expected = nearest(&half[0].clone().cast(DType::F32), &half[1].clone().cast(DType::F32));
        let [vectors, codebook] =
            half.map(|tensor| moved(&tensor.cast(DType::F32), &device).cast(DType::F16));
        assert_eq!(nearest(&vectors, &codebook), expected);
    }
}

#[test]
fn slopes_pass_straight_through() {
    for device in devices("slopes_pass_straight_through") {
        let device = device.autodiff();
        let [vectors, codebook] = pair([7, 4, 3], &device).map(Tensor::require_grad);
        let codes = nearest_codes(vectors.clone(), codebook.clone()).unwrap();
        let output = quantised(vectors.clone(), codebook.clone(), codes.clone()).unwrap();
        assert_eq!(values(&output), values(&codebook.clone().select(0, codes)));
        let weights = normal([7, 3], 9, &device);
        let gradients = (output * weights.clone()).sum().backward();
        assert_eq!(values(&vectors.grad(&gradients).unwrap()), values(&weights));
        assert!(
            codebook.grad(&gradients).is_none_or(|slopes| values(&slopes).iter().all(|slope| *slope == 0.0))
        );
    }
}

#[test]
fn losses_move_vectors_and_codes_apart_from_each_other() {
    let [vectors, codebook] = pair([7, 4, 3], &cpu());
    let codes = nearest_codes(vectors.clone(), codebook.clone()).unwrap();
    let expected = finite_differences(&vectors, 1e-2, |vectors| {
        let losses = quantisation_losses(vectors, codebook.clone(), codes.clone()).unwrap();
        losses.commitment.into_scalar::<f32>()
    });
    let expected_codes = finite_differences(&codebook, 1e-2, |codebook| {
        let losses = quantisation_losses(vectors.clone(), codebook, codes.clone()).unwrap();
        losses.codebook.into_scalar::<f32>()
    });
    let device = cpu().autodiff();
    let [vectors, codebook] = [&vectors, &codebook].map(|tensor| moved(tensor, &device).require_grad());
    let codes = Tensor::from_data(codes.into_data(), &device);
    let losses = quantisation_losses(vectors.clone(), codebook.clone(), codes).unwrap();
    let gradients = (losses.commitment + losses.codebook).backward();
    assert_close(&values(&vectors.grad(&gradients).unwrap()), &expected, 1e-3);
    assert_close(&values(&codebook.grad(&gradients).unwrap()), &expected_codes, 1e-3);
}

#[test]
fn nothing_is_fine_and_other_shapes_are_refused() {
    let zeros = |shape: [usize; 2]| Tensor::<2>::zeros(shape, &cpu());
    let none = nearest_codes(zeros([0, 4]), zeros([3, 4])).unwrap();
    assert_eq!(none.dims(), [0]);
    assert_eq!(quantised(zeros([0, 4]), zeros([3, 4]), none).unwrap().dims(), [0, 4]);
    assert_eq!(nearest(&zeros([2, 0]), &zeros([3, 0])), [0, 0]);
    for codebook in [[3, 5], [0, 4]] {
        let refused = nearest_codes(zeros([2, 4]), zeros(codebook)).unwrap_err();
        assert!(matches!(refused, KernelError::Shape { argument: "codebook", .. }), "{refused}");
        assert!(refused.to_string().contains(&format!("{codebook:?}")), "{refused}");
    }
    let codes = Tensor::from_data(TensorData::new(vec![0_i32; 3], [3]), &cpu());
    let refused = quantised(zeros([2, 4]), zeros([3, 4]), codes).unwrap_err();
    assert!(matches!(refused, KernelError::Shape { argument: "codes", .. }), "{refused}");
    for temperature in [0.0, -1.0, f32::NAN] {
        let refused = drawn_codes(zeros([2, 4]), zeros([3, 4]), draw(temperature)).unwrap_err();
        assert!(refused.to_string().contains("temperature"), "{refused}");
    }
}
