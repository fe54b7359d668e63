use crate::common::{
    assert_close, cpu, finite_differences, gpu, moved, normal, numbers, reference, rows, values,
};
use burn::tensor::{DType, Device, Tensor};
use esarm_kernels::KernelError;
use esarm_kernels::morph::{
    DeformedFrame, MorphError, MorphMesh, SparseMorph, SparseTarget, morph_normals, morph_positions,
};
use esarm_kernels::random::Random;
use serde_json::Value;

/// A mesh and its targets.
pub(crate) struct Face {
    positions: Vec<[f32; 3]>,
    normals: Vec<[f32; 3]>,
    targets: Vec<Target>,
}

struct Target {
    indices: Vec<u32>,
    positions: Vec<[f32; 3]>,
    normals: Vec<[f32; 3]>,
}

fn triples(values: &[f32]) -> Vec<[f32; 3]> {
    values.as_chunks::<3>().0.to_vec()
}

impl Face {
    /// Of a reference file.
    pub(crate) fn of(file: &Value) -> Self {
        let target = |target: &Value| Target {
            indices: numbers(&target["indices"]).iter().map(|index| *index as u32).collect(),
            positions: triples(&numbers(&target["position_offsets"])),
            normals: triples(&numbers(&target["normal_offsets"])),
        };
        Self {
            positions: triples(&numbers(&file["positions"])),
            normals: triples(&numbers(&file["normals"])),
            targets: file["targets"].as_array().unwrap().iter().map(target).collect(),
        }
    }

    /// Random targets, of which every third has no normal offsets.
    pub(crate) fn random(vertices: usize, targets: usize) -> Self {
        let random = Random::new(3, 0);
        let vector = |stream: u64, index: u64, scale: f32| -> [f32; 3] {
            let [x, y, z, _] = random.split(stream).normals(index);
            [x * scale, y * scale, z * scale]
        };
        let each =
            |stream, scale| (0..vertices as u64).map(move |index| vector(stream, index, scale)).collect();
        let target = |target: usize| {
            let stream = 10 + target as u64;
            let moves = |vertex: &u32| random.split(stream).uniform(u64::from(*vertex)) < 0.3;
            let indices: Vec<u32> = (0..vertices as u32).filter(moves).collect();
            let offsets = |stream: u64| -> Vec<[f32; 3]> {
                indices.iter().map(|index| vector(stream, u64::from(*index), 0.01)).collect()
            };
            let normals = if target.is_multiple_of(3) { Vec::new() } else { offsets(1000 + stream) };
            Target { positions: offsets(stream), normals, indices }
        };
        Self { positions: each(1, 0.1), normals: each(2, 1.0), targets: (0..targets).map(target).collect() }
    }

    pub(crate) fn morph(&self) -> SparseMorph<'_> {
        let sparse = self.targets.iter().map(|target| SparseTarget {
            indices: &target.indices,
            position_offsets: &target.positions,
            normal_offsets: &target.normals,
        });
        SparseMorph::new(&self.positions, &self.normals, sparse.collect()).unwrap()
    }

    pub(crate) fn mesh(&self, device: &Device) -> MorphMesh {
        MorphMesh::new(&self.morph(), device)
    }
}

fn flat<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    values(&tensor)
}

#[test]
fn shapes_are_those_of_numpy() {
    let file = reference("vertex_metrics");
    let face = Face::of(&file);
    for device in [Some(cpu()), gpu("morph: shapes_are_those_of_numpy")].into_iter().flatten() {
        let (weights, mesh) = (rows(&file["motion"], &device), face.mesh(&device));
        let positions = morph_positions(weights.clone(), &mesh).unwrap();
        assert_eq!(positions.dims(), [19, 23, 3]);
        assert_close(&values(&positions), &numbers(&file["deformed"]), 1e-6);
        assert_close(&flat(morph_normals(weights, &mesh).unwrap()), &numbers(&file["turned"]), 2e-6);
    }
}

#[test]
fn many_frames_are_single_frames_of_the_sparse_form() {
    let face = Face::random(101, 7);
    for frames in [1, 15, 16, 33] {
        let weights = normal([frames, 7], 1, &cpu());
        let positions = flat(morph_positions(weights.clone(), &face.mesh(&cpu())).unwrap());
        let normals = flat(morph_normals(weights.clone(), &face.mesh(&cpu())).unwrap());
        let mut single = DeformedFrame::default();
        for (frame, weights) in values(&weights).chunks(7).enumerate() {
            face.morph().deform_into(weights, &mut single).unwrap();
            assert_close(&positions[frame * 303..][..303], single.positions.as_flattened(), 1e-6);
            assert_close(&normals[frame * 303..][..303], single.normals.as_flattened(), 1e-5);
        }
    }
}

#[test]
fn the_gpu_equals_the_twin() {
    let Some(gpu) = gpu("morph: the_gpu_equals_the_twin") else { return };
    for (frames, vertices, targets) in [(1, 1, 1), (9, 33, 4), (17, 130, 12)] {
        let face = Face::random(vertices, targets);
        let weights = normal([frames, targets], 2, &cpu());
        let expected = flat(morph_positions(weights.clone(), &face.mesh(&cpu())).unwrap());
        let found = flat(morph_positions(moved(&weights, &gpu), &face.mesh(&gpu)).unwrap());
        assert_close(&found, &expected, 1e-6);
        // A transposed tensor is not contiguous.
        let turned = moved(&weights.clone().transpose(), &gpu).transpose();
        assert_close(&flat(morph_positions(turned, &face.mesh(&gpu)).unwrap()), &expected, 1e-6);
        let expected = flat(morph_normals(weights.clone(), &face.mesh(&cpu())).unwrap());
        let found = flat(morph_normals(moved(&weights, &gpu), &face.mesh(&gpu)).unwrap());
        assert_close(&found, &expected, 1e-5);
    }
}

#[test]
fn chosen_vertices_and_differences_are_those_of_the_mesh() {
    let face = Face::random(40, 5);
    let weights = normal([3, 5], 4, &cpu());
    let whole = morph_positions(weights.clone(), &face.mesh(&cpu())).unwrap();
    let chosen = MorphMesh::of_vertices(&face.morph(), &[7, 3, 39], &cpu()).unwrap();
    let chosen = morph_positions(weights.clone(), &chosen).unwrap();
    for (index, vertex) in [7, 3, 39].into_iter().enumerate() {
        let expected = flat(whole.clone().narrow(1, vertex, 1));
        assert_eq!(flat(chosen.clone().narrow(1, index, 1)), expected);
    }
    let ways = MorphMesh::of_differences(&face.morph(), &[[7, 3]], &cpu()).unwrap();
    let expected = whole.clone().narrow(1, 3, 1) - whole.narrow(1, 7, 1);
    assert_close(&flat(morph_positions(weights, &ways).unwrap()), &flat(expected), 1e-6);
    let refused = MorphMesh::of_vertices(&face.morph(), &[40], &cpu()).unwrap_err();
    assert_eq!(refused, MorphError::Vertex { index: 40, vertices: 40 });
    assert!(MorphMesh::of_differences(&face.morph(), &[[0, 41]], &cpu()).is_err());
}

#[test]
fn gradients_are_the_slopes_on_every_device() {
    let face = Face::random(20, 5);
    let (weights, pull) = (normal([3, 5], 4, &cpu()), normal([3, 20, 3], 5, &cpu()));
    let loss = |weights: Tensor<2>| {
        let positions = morph_positions(weights, &face.mesh(&cpu())).unwrap();
        (positions.square() * pull.clone()).sum().into_scalar::<f32>()
    };
    let expected = finite_differences(&weights, 0.1, loss);
    for device in [Some(cpu()), gpu("morph: gradients_are_the_slopes_on_every_device")].into_iter().flatten()
    {
        let device = device.autodiff();
        let weights = moved(&weights, &device).require_grad();
        let positions = morph_positions(weights.clone(), &face.mesh(&device)).unwrap();
        let gradients = (positions.square() * moved(&pull, &device)).sum().backward();
        assert_close(&values(&weights.grad(&gradients).unwrap()), &expected, 1e-4);
    }
}

#[test]
fn half_precision_is_within_its_rounding() {
    let face = Face::random(50, 6);
    for device in [Some(cpu()), gpu("morph: half_precision_is_within_its_rounding")].into_iter().flatten() {
        if !device.supports_dtype(DType::F16) {
            println!("SKIPPED morph: half_precision_is_within_its_rounding: the device has no f16");
            continue;
        }
        let weights = normal([4, 6], 3, &cpu()).cast(DType::F16);
        let expected = morph_positions(weights.clone().cast(DType::F32), &face.mesh(&cpu())).unwrap();
        let found = morph_positions(moved(&weights, &device), &face.mesh(&device)).unwrap();
        assert_eq!(found.dtype(), DType::F16);
        assert_close(&values(&found), &values(&expected), 1e-3);
    }
}

#[test]
fn nothing_is_fine_and_other_shapes_are_refused() {
    for device in
        [Some(cpu()), gpu("morph: nothing_is_fine_and_other_shapes_are_refused")].into_iter().flatten()
    {
        let face = Face::random(11, 2);
        let mesh = face.mesh(&device);
        assert_eq!(morph_positions(Tensor::zeros([0, 2], &device), &mesh).unwrap().dims(), [0, 11, 3]);
        let refused = morph_positions(Tensor::zeros([4, 3], &device), &mesh).unwrap_err();
        assert!(matches!(refused, KernelError::Shape { argument: "weights", .. }), "{refused}");
        assert!(refused.to_string().contains("[4, 3]") && refused.to_string().contains('2'), "{refused}");
        let still = Face::random(11, 0).mesh(&device);
        let rest = flat(morph_positions(Tensor::zeros([2, 0], &device), &still).unwrap());
        assert_eq!(rest.len(), 66);
        assert_eq!(rest[..33], rest[33..]);
        let unmoved = Face::random(0, 3).mesh(&device);
        assert_eq!(morph_normals(Tensor::zeros([2, 3], &device), &unmoved).unwrap().dims(), [2, 0, 3]);
        let mut idle = Face::random(4, 1);
        idle.targets[0] = Target { indices: vec![], positions: vec![], normals: vec![] };
        let positions = morph_positions(Tensor::ones([1, 1], &device), &idle.mesh(&device)).unwrap();
        assert_eq!(flat(positions), idle.positions.as_flattened());
    }
}
