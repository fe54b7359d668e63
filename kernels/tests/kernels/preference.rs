use crate::common::{assert_close, cpu, finite_differences, gpu, moved, normal, values};
use burn::tensor::{Device, Tensor};
use esarm_kernels::KernelError;
use esarm_kernels::preference::preference_loss;

fn ranks(shape: [usize; 2], device: &Device) -> Tensor<2> {
    // Whole numbers, so that there are ties.
    normal(shape, 99, device).mul_scalar(1.5).round()
}

fn loss(rewards: Tensor<2>, ranks: Tensor<2>) -> f32 {
    preference_loss(rewards, ranks).unwrap().into_scalar::<f32>()
}

#[test]
fn two_takes_are_the_textbook_formula() {
    let device = cpu();
    let rewards = Tensor::<2>::from_floats([[0.3, -0.4]], &device);
    let ranks = Tensor::<2>::from_floats([[1.0, 2.0]], &device);
    let probability = 0.3_f32.exp() / (0.3_f32.exp() + (-0.4_f32).exp());
    assert_close(&[loss(rewards.clone(), ranks.clone())], &[-probability.ln()], 1e-6);
    assert_close(&[loss(rewards, -ranks)], &[-(1.0 - probability).ln()], 1e-6);
}

#[test]
fn extreme_rewards_do_not_overflow() {
    let rewards = Tensor::<2>::from_floats([[-500.0, 500.0]], &cpu());
    let ranks = Tensor::<2>::from_floats([[0.0, 1.0]], &cpu());
    assert_close(&[loss(rewards, ranks)], &[1000.0], 1e-6);
}

#[test]
fn ties_and_empty_batches_cost_nothing() {
    let device = cpu();
    assert_eq!(loss(normal([3, 4], 1, &device), Tensor::ones([3, 4], &device)), 0.0);
    assert_eq!(loss(normal([1, 1], 1, &device), Tensor::ones([1, 1], &device)), 0.0);
    assert_eq!(loss(Tensor::zeros([0, 4], &device), Tensor::zeros([0, 4], &device)), 0.0);
}

#[test]
fn the_gpu_equals_the_twin() {
    let Some(gpu) = gpu("preference: the_gpu_equals_the_twin") else { return };
    for shape in [[1, 2], [3, 7], [5, 33], [2, 130]] {
        let (rewards, ranks) = (normal(shape, 1, &cpu()), ranks(shape, &cpu()));
        let expected = loss(rewards.clone(), ranks.clone());
        assert_close(&[loss(moved(&rewards, &gpu), moved(&ranks, &gpu))], &[expected], 1e-5);
        // A transposed tensor is not contiguous.
        let turned = moved(&rewards.clone().transpose(), &gpu).transpose();
        assert_close(&[loss(turned, moved(&ranks, &gpu))], &[expected], 1e-5);
    }
}

#[test]
fn gradients_are_the_slopes_on_every_device() {
    let (rewards, ranks) = (normal([3, 6], 4, &cpu()), ranks([3, 6], &cpu()));
    let expected = finite_differences(&rewards, 1e-2, |rewards| loss(rewards, ranks.clone()));
    let devices = [Some(cpu()), gpu("preference: gradients_are_the_slopes_on_every_device")];
    for device in devices.into_iter().flatten() {
        let device = device.autodiff();
        let rewards = moved(&rewards, &device).require_grad();
        let gradients = preference_loss(rewards.clone(), moved(&ranks, &device)).unwrap().backward();
        assert_close(&values(&rewards.grad(&gradients).unwrap()), &expected, 2e-3);
    }
}

#[test]
fn other_shapes_are_refused_by_name() {
    let refused = preference_loss(Tensor::zeros([2, 3], &cpu()), Tensor::zeros([3, 2], &cpu()));
    let message = refused.unwrap_err();
    assert!(matches!(message, KernelError::Shape { argument: "ranks", .. }), "{message}");
    assert!(message.to_string().contains("[3, 2]") && message.to_string().contains("[2, 3]"));
}
