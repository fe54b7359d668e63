use crate::common::{assert_close, cpu, gpu, moved, normal, numbers, reference, rows, values};
use crate::morph::Face;
use burn::tensor::{DType, Device, Tensor, TensorData};
use esarm_kernels::KernelError;
use esarm_kernels::morph::MorphMesh;
use esarm_kernels::vertex_metrics::{
    FaceRegions, VertexErrors, diversity_mm, lip_gap_mm, movement, vertex_errors,
};
use serde_json::Value;

fn regions(face: &Face, lips: &[u32], upper: &[u32], device: &Device) -> FaceRegions {
    let of = |vertices: &[u32]| MorphMesh::of_vertices(&face.morph(), vertices, device).unwrap();
    FaceRegions { face: face.mesh(device), lips: of(lips), upper: of(upper) }
}

fn vertices(value: &Value) -> Vec<u32> {
    numbers(value).iter().map(|index| *index as u32).collect()
}

fn figures(errors: &VertexErrors) -> [f32; 7] {
    [
        errors.mve_mm(),
        errors.lve_mm2(),
        errors.lve_norm_mm(),
        errors.lve_mean_mm2(),
        errors.eve_mm2(),
        errors.eve_norm_mm(),
        errors.fdd_mm2(),
    ]
    .map(|figure| figure as f32)
}

#[test]
fn figures_are_those_of_stored_vertices() {
    let file = reference("vertex_metrics");
    let face = Face::of(&file);
    let names = ["mve_mm", "lve_mm2", "lve_norm_mm", "lve_mean_mm2", "eve_mm2", "eve_norm_mm", "fdd_mm2"];
    let expected = names.map(|name| file[name].as_f64().unwrap() as f32);
    for device in
        [Some(cpu()), gpu("vertex_metrics: figures_are_those_of_stored_vertices")].into_iter().flatten()
    {
        let regions = regions(&face, &vertices(&file["lips"]), &vertices(&file["upper"]), &device);
        let (motion, reference) = (rows(&file["motion"], &device), rows(&file["reference"], &device));
        let errors = vertex_errors(motion.clone(), reference, &regions).unwrap();
        assert_close(&figures(&errors), &expected, 2e-5);
        let takes = numbers(&file["takes"]);
        let takes = Tensor::<3>::from_data(TensorData::new(takes, [6, 4, 5]), &device);
        let diversity = diversity_mm(takes, &regions.face).unwrap() as f32;
        assert_close(&[diversity], &numbers(&file["diversity_mm"]), 1e-5);
        let pairs: Vec<[u32; 2]> = vertices(&file["pairs"]).as_chunks::<2>().0.to_vec();
        let pairs = MorphMesh::of_differences(&face.morph(), &pairs, &device).unwrap();
        assert_close(&values(&lip_gap_mm(motion, &pairs).unwrap()), &numbers(&file["lip_gap_mm"]), 1e-5);
    }
}

#[test]
fn a_motion_has_no_error_against_itself() {
    let face = Face::random(30, 4);
    let regions = regions(&face, &[1, 2], &[5, 6, 7], &cpu());
    let motion = normal([12, 4], 1, &cpu());
    assert_eq!(figures(&vertex_errors(motion.clone(), motion.clone(), &regions).unwrap()), [0.0; 7]);
    let half = vertex_errors(motion.clone() * 0.5, motion, &regions).unwrap();
    assert!(half.fdd_mm2() > 0.0, "half the movement is under-animated: {}", half.fdd_mm2());
}

#[test]
fn the_gpu_equals_the_twin() {
    let Some(gpu) = gpu("vertex_metrics: the_gpu_equals_the_twin") else { return };
    for (frames, vertices, targets) in [(1, 1, 1), (70, 40, 6), (17, 300, 9)] {
        let face = Face::random(vertices, targets);
        let chosen: Vec<u32> = (0..vertices as u32).step_by(3).collect();
        let (motion, reference) =
            (normal([frames, targets], 1, &cpu()), normal([frames, targets], 2, &cpu()));
        let on_cpu = regions(&face, &chosen, &chosen, &cpu());
        let on_gpu = regions(&face, &chosen, &chosen, &gpu);
        let expected = vertex_errors(motion.clone(), reference.clone(), &on_cpu).unwrap();
        // A transposed tensor is not contiguous.
        let turned = moved(&motion.transpose(), &gpu).transpose();
        let found = vertex_errors(turned, moved(&reference, &gpu), &on_gpu).unwrap();
        assert_close(&found.face.distances_mm, &expected.face.distances_mm, 1e-5);
        assert_close(&found.lips.greatest_squares_mm2, &expected.lips.greatest_squares_mm2, 1e-5);
        assert_close(&found.upper.squares_mm2, &expected.upper.squares_mm2, 1e-5);
        assert_close(&figures(&found), &figures(&expected), 1e-4);
    }
}

#[test]
fn windows_join_to_the_whole() {
    for device in [Some(cpu()), gpu("vertex_metrics: windows_join_to_the_whole")].into_iter().flatten() {
        let face = Face::random(40, 6);
        let regions = regions(&face, &[0, 3, 9], &[5, 6, 7, 30], &device);
        let (motion, reference) = (normal([50, 6], 1, &device), normal([50, 6], 2, &device));
        let part = |from: usize, count: usize| {
            let window = |track: &Tensor<2>| track.clone().narrow(0, from, count);
            vertex_errors(window(&motion), window(&reference), &regions).unwrap()
        };
        let whole = part(0, 50);
        let joined = part(0, 13).joined(&part(13, 30)).joined(&part(43, 7));
        assert_close(&joined.face.distances_mm, &whole.face.distances_mm, 1e-6);
        assert_close(&joined.lips.greatest_squares_mm2, &whole.lips.greatest_squares_mm2, 1e-6);
        assert_close(&figures(&joined), &figures(&whole), 1e-5);
    }
}

#[test]
fn half_precision_is_within_its_rounding() {
    let face = Face::random(50, 6);
    let expected = movement(normal([30, 6], 3, &cpu()), &face.mesh(&cpu())).unwrap();
    for device in
        [Some(cpu()), gpu("vertex_metrics: half_precision_is_within_its_rounding")].into_iter().flatten()
    {
        if !device.supports_dtype(DType::F16) {
            println!("SKIPPED vertex_metrics: half_precision_is_within_its_rounding: the device has no f16");
            continue;
        }
        let weights = moved(&normal([30, 6], 3, &cpu()).cast(DType::F16), &device);
        let found = movement(weights, &face.mesh(&device)).unwrap();
        let f32s = |values: &[f64]| -> Vec<f32> { values.iter().map(|value| *value as f32).collect() };
        assert_close(&f32s(&found.means_mm2), &f32s(&expected.means_mm2), 1e-2);
    }
}

#[test]
fn nothing_is_fine_and_other_shapes_are_refused() {
    for device in [Some(cpu()), gpu("vertex_metrics: nothing_is_fine_and_other_shapes_are_refused")]
        .into_iter()
        .flatten()
    {
        let face = Face::random(8, 3);
        let regions = regions(&face, &[], &[2], &device);
        let none = || Tensor::<2>::zeros([0, 3], &device);
        assert_eq!(figures(&vertex_errors(none(), none(), &regions).unwrap()), [0.0; 7]);
        let motion = normal([4, 3], 1, &device);
        let errors = vertex_errors(motion.clone(), motion.clone() * 2.0, &regions).unwrap();
        assert_eq!(errors.lve_mm2(), 0.0);
        assert!(errors.mve_mm() > 0.0);
        let refused = vertex_errors(motion.clone(), normal([4, 2], 1, &device), &regions).unwrap_err();
        assert!(matches!(refused, KernelError::Shape { argument: "reference", .. }), "{refused}");
        let refused = movement(normal([4, 2], 1, &device), &regions.face).unwrap_err();
        assert!(refused.to_string().contains("weights") && refused.to_string().contains("[4, 2]"));
        let refused = diversity_mm(Tensor::zeros([3, 2, 3], &device), &regions.face).unwrap_err();
        assert!(matches!(refused, KernelError::Shape { argument: "takes", .. }), "{refused}");
        assert_eq!(diversity_mm(Tensor::zeros([0, 2, 3], &device), &regions.face).unwrap(), 0.0);
        let pairs = MorphMesh::of_differences(&face.morph(), &[], &device).unwrap();
        assert_eq!(values(&lip_gap_mm(motion, &pairs).unwrap()), [0.0; 4]);
    }
}
