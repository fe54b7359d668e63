use crate::common::{Bench, Work};
use burn::tensor::{Device, Distribution, Tensor};
use esarm_kernels::sphere::{cartesian_of, slerp_path, spherical_of};

const POINTS: usize = 1_000_000;

pub(crate) fn bench(bench: &Bench) {
    let work = Work { bytes: 24.0 * POINTS as f64, operations: 60.0 * POINTS as f64 };
    let random = |device: &Device| Tensor::<2>::random([POINTS, 3], Distribution::Uniform(-1.0, 1.0), device);
    let setup = "p = (np.random.rand(1000000, 3) * 2 - 1).astype(np.float32)";
    let peer = bench.python(
        setup,
        "np.stack([np.sqrt((p * p).sum(axis=1)), np.arctan2(np.sqrt(p[:, 0] ** 2 + p[:, 1] ** 2), p[:, 2]), np.arctan2(p[:, 1], p[:, 0])], axis=1)",
    );
    let peer = peer.map(|secs| ("NumPy", secs));
    bench.measure("sphere spherical 1000000", work, peer, random, |points| {
        let _ = spherical_of(points.clone()).expect("shapes fit");
    });
    let peer = bench.python(
        setup,
        "np.stack([p[:, 0] * np.sin(p[:, 1]) * np.cos(p[:, 2]), p[:, 0] * np.sin(p[:, 1]) * np.sin(p[:, 2]), p[:, 0] * np.cos(p[:, 1])], axis=1)",
    );
    let peer = peer.map(|secs| ("NumPy", secs));
    bench.measure("sphere cartesian 1000000", work, peer, random, |forms| {
        let _ = cartesian_of(forms.clone()).expect("shapes fit");
    });
    let peer = bench.python(
        "k = (np.random.rand(100, 3) * 2 - 1).astype(np.float32); t = (np.random.rand(1000000) * 98).astype(np.float32)
def path():
    i = t.astype(np.int32); f = (t - i)[:, None]; a, b = k[i], k[i + 1]
    la, lb = (np.sqrt((v * v).sum(axis=1, keepdims=True)) for v in (a, b))
    a, b = a / la, b / lb
    w = np.arctan2(np.sqrt((np.cross(a, b) ** 2).sum(axis=1, keepdims=True)), (a * b).sum(axis=1, keepdims=True))
    d = a * np.sin((1 - f) * w) + b * np.sin(f * w)
    return d / np.sqrt((d * d).sum(axis=1, keepdims=True)) * (la + (lb - la) * f)",
        "path()",
    );
    let peer = peer.map(|secs| ("NumPy", secs));
    let prepare = |device: &Device| {
        let keys = Tensor::<2>::random([100, 3], Distribution::Uniform(-1.0, 1.0), device);
        (keys, Tensor::<1>::random([POINTS], Distribution::Uniform(0.0, 98.0), device))
    };
    let work = Work { bytes: 16.0 * POINTS as f64, operations: 80.0 * POINTS as f64 };
    bench.measure("sphere slerp_path 1000000", work, peer, prepare, |(keys, positions)| {
        let _ = slerp_path(keys.clone(), positions.clone()).expect("shapes fit");
    });
}
