use crate::common::{Bench, Work};
use burn::tensor::{Device, Distribution, Tensor};
use esarm_kernels::morph::{MorphMesh, SparseMorph, SparseTarget, morph_positions};
use esarm_kernels::random::Random;

const FRAMES: usize = 300;
/// Vertices and targets of a scanned head.
const VERTICES: usize = 26_719;
const TARGETS: usize = 51;

/// A mesh with as many offsets as that head has: each target moves about half of the vertices, in stretches.
pub(crate) fn mesh(device: &Device) -> MorphMesh {
    let random = Random::new(1, 0);
    let moved = |target: u64| -> Vec<u32> {
        let stretch = |vertex: &u32| random.split(target).uniform(u64::from(vertex / 256)) < 0.5;
        (0..VERTICES as u32).filter(stretch).collect()
    };
    let indices: Vec<Vec<u32>> = (0..TARGETS as u64).map(moved).collect();
    let offsets: Vec<Vec<[f32; 3]>> = indices
        .iter()
        .map(|indices| indices.iter().map(|index| [1e-3, *index as f32 * 1e-8, -1e-3]).collect())
        .collect();
    let targets = indices.iter().zip(&offsets).map(|(indices, offsets)| SparseTarget {
        indices,
        position_offsets: offsets,
        normal_offsets: &[],
    });
    let (positions, normals) = (vec![[0.1; 3]; VERTICES], vec![[0.0, 0.0, 1.0]; VERTICES]);
    let morph = SparseMorph::new(&positions, &normals, targets.collect()).expect("offsets fit");
    MorphMesh::new(&morph, device)
}

pub(crate) fn bench(bench: &Bench) {
    let peer = bench.python(
        "w = np.random.rand(300, 51).astype(np.float32); d = np.random.rand(51, 80157).astype(np.float32); b = np.random.rand(80157).astype(np.float32)",
        "w @ d + b",
    );
    let peer = peer.map(|secs| ("NumPy, dense", secs));
    let entries = (VERTICES * TARGETS / 2) as f64;
    let written = 12.0 * (FRAMES * VERTICES) as f64;
    let work = Work { bytes: written, operations: 6.0 * entries * FRAMES as f64 };
    let prepare = |device: &Device| {
        let weights = Tensor::<2>::random([FRAMES, TARGETS], Distribution::Default, device);
        (weights, mesh(device))
    };
    bench.measure("morph 300 x 26719 x 51", work, peer, prepare, |(weights, mesh)| {
        let _ = morph_positions(weights.clone(), mesh).expect("shapes fit");
    });
}
