use crate::common::{assert_close, cpu, gpu, moved, normal, values};
use burn::tensor::{Device, Tensor};
use esarm_kernels::KernelError;
use esarm_kernels::returns::{Episodes, discounted_returns, generalised_advantages, group_advantages};

/// Random rewards; about one step in ten ends an episode.
fn episodes(shape: [usize; 2], device: &Device) -> Episodes {
    let goes_on = normal(shape, 2, device).greater_elem(-1.3).float();
    Episodes { rewards: normal(shape, 1, device), goes_on, after: normal([shape[0]], 3, device) }
}

fn on(episodes: &Episodes, device: &Device) -> Episodes {
    Episodes {
        rewards: moved(&episodes.rewards, device),
        goes_on: moved(&episodes.goes_on, device),
        after: moved(&episodes.after, device),
    }
}

#[test]
fn returns_are_discounted_sums() {
    let device = cpu();
    let episodes = Episodes {
        rewards: Tensor::from_floats([[1.0, 2.0, 3.0, 4.0]], &device),
        goes_on: Tensor::from_floats([[1.0, 0.0, 1.0, 1.0]], &device),
        after: Tensor::from_floats([10.0], &device),
    };
    let found = values(&discounted_returns(&episodes, 0.5).unwrap());
    assert_close(&found, &[2.0, 2.0, 3.0 + 0.5 * (4.0 + 5.0), 9.0], 1e-6);
}

#[test]
fn advantages_with_a_full_trace_are_returns_minus_expectation() {
    let device = cpu();
    let episodes = episodes([3, 40], &device);
    let expected = normal([3, 40], 5, &device);
    let none = Tensor::zeros([3], &device);
    let found = generalised_advantages(&episodes, expected.clone(), none, 0.9, 1.0).unwrap();
    let returns = discounted_returns(&episodes, 0.9).unwrap();
    assert_close(&values(&found), &values(&(returns - expected)), 1e-4);
}

#[test]
fn a_window_with_what_comes_after_it_equals_the_whole() {
    let device = cpu();
    let whole = episodes([2, 60], &device);
    let returns = discounted_returns(&whole, 0.95).unwrap();
    let window = Episodes {
        rewards: whole.rewards.clone().narrow(1, 10, 20),
        goes_on: whole.goes_on.clone().narrow(1, 10, 20),
        after: returns.clone().narrow(1, 30, 1).reshape([2]),
    };
    let found = values(&discounted_returns(&window, 0.95).unwrap());
    assert_eq!(found, values(&returns.narrow(1, 10, 20)));
}

#[test]
fn the_gpu_equals_the_twin() {
    let Some(gpu) = gpu("returns: the_gpu_equals_the_twin") else { return };
    for shape in [[1, 1], [2, 255], [3, 256], [2, 257], [1, 1000]] {
        let episodes = episodes(shape, &cpu());
        let expected = values(&discounted_returns(&episodes, 0.98).unwrap());
        assert_close(&values(&discounted_returns(&on(&episodes, &gpu), 0.98).unwrap()), &expected, 1e-4);
        let (value, none) = (normal(shape, 8, &cpu()), Tensor::zeros([shape[0]], &cpu()));
        let twin = generalised_advantages(&episodes, value.clone(), none.clone(), 0.98, 0.95).unwrap();
        let (value, none) = (moved(&value, &gpu), moved(&none, &gpu));
        let found = generalised_advantages(&on(&episodes, &gpu), value, none, 0.98, 0.95).unwrap();
        assert_close(&values(&found), &values(&twin), 1e-4);
    }
}

#[test]
fn groups_have_no_mean_and_unit_deviation() {
    let found = group_advantages(normal([4, 16], 3, &cpu()).mul_scalar(5.0).add_scalar(2.0));
    assert_close(&values(&found.clone().mean_dim(1)), &[0.0; 4], 1e-5);
    assert_close(&values(&found.square().mean_dim(1)), &[1.0; 4], 1e-4);
    assert_eq!(values(&group_advantages(Tensor::ones([1, 3], &cpu()))), [0.0; 3]);
}

#[test]
fn nothing_to_scan_is_fine_and_other_shapes_are_refused() {
    let device = cpu();
    let mut empty = episodes([2, 3], &device);
    empty.after = Tensor::zeros([3], &device);
    let refused = discounted_returns(&empty, 0.9).unwrap_err();
    assert!(matches!(refused, KernelError::Shape { argument: "after", .. }), "{refused}");
    let none = Episodes {
        rewards: Tensor::zeros([2, 0], &device),
        goes_on: Tensor::zeros([2, 0], &device),
        after: Tensor::zeros([2], &device),
    };
    assert_eq!(discounted_returns(&none, 0.9).unwrap().dims(), [2, 0]);
    assert!(discounted_returns(&none, 1.5).unwrap_err().to_string().contains("discount"));
}
