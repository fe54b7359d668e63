use crate::common::{assert_close, cpu, gpu, moved, normal, numbers, reference, rows, values};
use burn::tensor::{DType, Device, Tensor, TensorData};
use esarm_kernels::KernelError;
use esarm_kernels::sphere::{cartesian_of, slerp_path, spherical_of};

fn line(values: Vec<f32>, device: &Device) -> Tensor<1> {
    let shape = [values.len()];
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Positions from before the first key to after the last.
fn positions(count: usize, keys: usize, device: &Device) -> Tensor<1> {
    let step = (keys as f32 + 1.0) / count as f32;
    line((0..count).map(|index| index as f32 * step - 1.0).collect(), device)
}

#[test]
fn angles_and_paths_are_those_of_numpy_and_scipy() {
    let file = reference("sphere");
    for device in
        [Some(cpu()), gpu("sphere: angles_and_paths_are_those_of_numpy_and_scipy")].into_iter().flatten()
    {
        let points = rows(&file["points"], &device);
        let spherical = spherical_of(points.clone()).unwrap();
        assert_close(&values(&spherical), &numbers(&file["spherical"]), 2e-5);
        assert_close(&values(&cartesian_of(spherical).unwrap()), &values(&points), 2e-5);
        let along = line(numbers(&file["positions"]), &device);
        let path = slerp_path(rows(&file["keys"], &device), along).unwrap();
        assert_close(&values(&path), &numbers(&file["path"]), 2e-5);
    }
}

#[test]
fn the_gpu_equals_the_twin() {
    let Some(gpu) = gpu("sphere: the_gpu_equals_the_twin") else { return };
    for count in [1, 3, 257, 1000] {
        let points = normal([count, 3], 1, &cpu());
        let expected = spherical_of(points.clone()).unwrap();
        assert_close(&values(&spherical_of(moved(&points, &gpu)).unwrap()), &values(&expected), 2e-5);
        let back = cartesian_of(moved(&expected, &gpu)).unwrap();
        assert_close(&values(&back), &values(&cartesian_of(expected).unwrap()), 2e-5);
        let along = positions(2 * count + 1, count, &cpu());
        let expected = slerp_path(points.clone(), along.clone()).unwrap();
        let path = slerp_path(moved(&points, &gpu), moved(&along, &gpu)).unwrap();
        assert_close(&values(&path), &values(&expected), 5e-5);
    }
}

#[test]
fn tensors_need_not_be_contiguous() {
    for device in [Some(cpu()), gpu("sphere: tensors_need_not_be_contiguous")].into_iter().flatten() {
        let wide = normal([3, 40], 2, &device);
        let turned = wide.clone().transpose().narrow(0, 5, 20);
        let copied = moved(&turned, &cpu());
        let found = values(&spherical_of(turned.clone()).unwrap());
        assert_close(&found, &values(&spherical_of(copied.clone()).unwrap()), 2e-5);
        let along = positions(30, 20, &cpu());
        let found = values(&slerp_path(turned, moved(&along, &device)).unwrap());
        assert_close(&found, &values(&slerp_path(copied, along).unwrap()), 5e-5);
    }
}

#[test]
fn half_precision_is_within_its_rounding() {
    for device in [Some(cpu()), gpu("sphere: half_precision_is_within_its_rounding")].into_iter().flatten() {
        if !device.supports_dtype(DType::F16) {
            println!("SKIPPED sphere: half_precision_is_within_its_rounding: the device has no f16");
            continue;
        }
        let points = normal([50, 3], 3, &cpu()).cast(DType::F16);
        let expected = spherical_of(points.clone().cast(DType::F32)).unwrap();
        let found = spherical_of(moved(&points, &device)).unwrap();
        assert_eq!(found.dtype(), DType::F16);
        assert_close(&values(&found), &values(&expected), 2e-3);
    }
}

#[test]
fn a_window_of_the_path_is_that_part_of_it() {
    let keys = normal([9, 3], 4, &cpu());
    let along = positions(100, 9, &cpu());
    let whole = slerp_path(keys.clone(), along.clone()).unwrap();
    let window = slerp_path(keys, along.narrow(0, 30, 41)).unwrap();
    assert_eq!(values(&window), values(&whole.narrow(0, 30, 41)));
}

#[test]
fn without_a_great_circle_the_way_is_straight() {
    for device in
        [Some(cpu()), gpu("sphere: without_a_great_circle_the_way_is_straight")].into_iter().flatten()
    {
        let keys = Tensor::from_floats(
            [[0.0, 0.0, 0.0], [0.4, 0.2, 0.0], [0.8, 0.4, 0.0], [-0.8, -0.4, 0.0]],
            &device,
        );
        let path = slerp_path(keys, line(vec![0.5, 1.5, 2.25], &device)).unwrap();
        let expected = [0.2, 0.1, 0.0, 0.6, 0.3, 0.0, 0.4, 0.2, 0.0];
        assert_close(&values(&path), &expected, 1e-5);
    }
}

#[test]
fn nothing_is_fine_and_other_shapes_are_refused() {
    let device = cpu();
    assert_eq!(spherical_of(Tensor::zeros([0, 3], &device)).unwrap().dims(), [0, 3]);
    assert_eq!(cartesian_of(Tensor::zeros([0, 3], &device)).unwrap().dims(), [0, 3]);
    let none = slerp_path(Tensor::zeros([2, 3], &device), Tensor::zeros([0], &device)).unwrap();
    assert_eq!(none.dims(), [0, 3]);
    let one = slerp_path(Tensor::ones([1, 3], &device), Tensor::ones([2], &device)).unwrap();
    assert_eq!(values(&one), [1.0; 6]);
    let refused = spherical_of(Tensor::zeros([4, 2], &device)).unwrap_err();
    assert!(matches!(refused, KernelError::Shape { argument: "points", .. }), "{refused}");
    assert!(refused.to_string().contains("[4, 2]"));
    let refused = slerp_path(Tensor::zeros([0, 3], &device), Tensor::ones([2], &device)).unwrap_err();
    assert!(matches!(refused, KernelError::Shape { argument: "keys", .. }), "{refused}");
    assert!(cartesian_of(Tensor::zeros([4, 4], &device)).unwrap_err().to_string().contains("spherical"));
}
