use crate::common::{Bench, Work};
use crate::morph::mesh;
use burn::tensor::{Device, Distribution, Tensor};
use esarm_kernels::vertex_metrics::{FaceRegions, vertex_errors};

const FRAMES: usize = 300;

pub(crate) fn bench(bench: &Bench) {
    let peer = bench.python(
        "m = np.random.rand(300, 51).astype(np.float32); r = np.random.rand(300, 51).astype(np.float32); d = np.random.rand(51, 80157).astype(np.float32)
def metrics():
    apart = np.linalg.norm(((m - r) @ d).reshape(300, -1, 3), axis=-1)
    moved = [np.std(np.sum((w @ d).reshape(300, -1, 3) ** 2, axis=-1), axis=0).mean() for w in (m, r)]
    return apart.mean(), (apart.max(axis=1) ** 2).mean(), moved[1] - moved[0]",
        "metrics()",
    );
    let peer = peer.map(|secs| ("NumPy, dense", secs));
    let prepare = |device: &Device| {
        let random = || Tensor::<2>::random([FRAMES, 51], Distribution::Default, device);
        let face = mesh(device);
        let regions = FaceRegions { lips: face.clone(), upper: face.clone(), face };
        (random(), random(), regions)
    };
    // The whole face three times for the errors and twice, two passes each, for the movement.
    let entries = (26_719 * 51 / 2) as f64;
    let work = Work { bytes: 20.0 * entries, operations: 5.0 * 6.0 * entries * FRAMES as f64 };
    bench.measure("vertex_metrics 300 x 26719 x 51", work, peer, prepare, |(motion, reference, regions)| {
        let _ = vertex_errors(motion.clone(), reference.clone(), regions).expect("shapes fit");
    });
}
