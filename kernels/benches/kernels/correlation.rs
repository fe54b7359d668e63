use crate::common::{Bench, Work};
use burn::tensor::{Device, Distribution, Tensor};
use esarm_kernels::correlation::moments;

/// Five minutes at 60 frames a second.
const FRAMES: usize = 18_000;
const CHANNELS: usize = 52;
const EMOTIONS: usize = 8;

pub(crate) fn bench(bench: &Bench) {
    let peer = bench.python(
        "x = np.random.rand(18000, 53).astype(np.float32); w = np.random.rand(18000, 8).astype(np.float32)",
        "[(x * w[:, e:e + 1]).T @ x for e in range(8)]",
    );
    let side = (CHANNELS + 1) as f64;
    let work = Work {
        bytes: 4.0 * (FRAMES * (CHANNELS + EMOTIONS)) as f64,
        operations: 2.0 * (FRAMES * EMOTIONS) as f64 * side * side,
    };
    let prepare = |device: &Device| {
        let random = |columns| Tensor::<2>::random([FRAMES, columns], Distribution::Default, device);
        (random(CHANNELS), random(EMOTIONS))
    };
    let peer = peer.map(|secs| ("NumPy", secs));
    bench.measure("correlation 18000 x 52, 8 emotions", work, peer, prepare, |(tracks, weights)| {
        let _ = moments(tracks.clone(), weights.clone()).expect("shapes fit");
    });
}
