use crate::common::{Bench, Work};
use burn::tensor::module::attention;
use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Bool, Device, Distribution, Tensor, TensorData};
use esarm_kernels::banded_attention::{Attended, Band, alibi_slopes, banded_attention};

const BATCH: usize = 4;
const HEADS: usize = 8;
const FRAMES: usize = 600;
const WIDTH: usize = 64;
/// Half a second at 60 frames a second.
const REACH: usize = 30;

struct Case {
    inputs: [Tensor<4>; 3],
    slopes: Tensor<1>,
    unseen: Tensor<4, Bool>,
    bias: Tensor<4>,
}

fn prepare(device: &Device) -> Case {
    let random = || Tensor::<4>::random([BATCH, HEADS, FRAMES, WIDTH], Distribution::Default, device);
    let slopes = Tensor::<1>::from_data(TensorData::new(alibi_slopes(HEADS), [HEADS]), device);
    let distances: Vec<f32> =
        (0..FRAMES * FRAMES).map(|at| (at % FRAMES).abs_diff(at / FRAMES) as f32).collect();
    let distances = Tensor::<4>::from_data(TensorData::new(distances, [1, 1, FRAMES, FRAMES]), device);
    let shape = [BATCH, HEADS, FRAMES, FRAMES];
    Case {
        inputs: [random(), random(), random()],
        unseen: distances.clone().greater_elem(REACH as f32).expand(shape),
        bias: (-distances * slopes.clone().reshape([1, HEADS, 1, 1])).expand(shape),
        slopes,
    }
}

fn banded([queries, keys, values]: [Tensor<4>; 3], case: &Case) -> Tensor<4> {
    let band = Band { before_frames: REACH, after_frames: REACH, first_query: 0 };
    let attended = Attended { keys, values, slopes: case.slopes.clone() };
    banded_attention(queries, attended, band).expect("shapes fit")
}

fn dense([queries, keys, values]: [Tensor<4>; 3], case: &Case) -> Tensor<4> {
    let (unseen, bias) = (case.unseen.clone(), case.bias.clone());
    attention(queries, keys, values, Some(unseen), Some(bias), AttentionModuleOptions::default())
}

/// Forward and backward, with slopes in queries, keys and values.
fn learn(case: &Case, function: fn([Tensor<4>; 3], &Case) -> Tensor<4>) {
    let inputs = case.inputs.clone().map(|tensor| tensor.detach().require_grad());
    let gradients = function(inputs.clone(), case).sum().backward();
    for input in inputs {
        let _ = input.grad(&gradients).expect("a slope");
    }
}

pub(crate) fn bench(bench: &Bench) {
    let rows = (BATCH * HEADS * FRAMES) as f64;
    let products = rows * (2 * REACH + 1) as f64 * WIDTH as f64;
    let work = Work { bytes: 16.0 * rows * WIDTH as f64, operations: 4.0 * products };
    let name = "attention 4 x 8 x 600 x 64, +-30";
    bench.beside(
        name,
        work,
        "Burn dense",
        prepare,
        |case| drop(dense(case.inputs.clone(), case)),
        |case| {
            drop(banded(case.inputs.clone(), case));
        },
    );
    let work = Work { bytes: 44.0 * rows * WIDTH as f64, operations: 14.0 * products };
    let prepare = |device: &Device| prepare(&device.clone().autodiff());
    bench.beside(
        "attention forward and backward",
        work,
        "Burn dense",
        prepare,
        |case| learn(case, dense),
        |case| learn(case, banded),
    );
}
