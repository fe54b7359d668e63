use crate::common::{Bench, Work};
use burn::tensor::{Device, Distribution, Tensor};
use esarm_kernels::perturb::{
    Draw, Margins, OrnsteinUhlenbeck, emotion_corruption, ornstein_uhlenbeck, over_smoothing, replacement,
    white,
};

const FRAMES: usize = 36_000;
const CHANNELS: usize = 52;
const SETUP: &str = "import scipy.signal, scipy.ndimage
x = np.random.rand(36000, 52).astype(np.float32); s = np.random.rand(52).astype(np.float32); g = np.random.default_rng(1); bank = np.random.rand(1000, 52).astype(np.float32)";

type Call = fn(&Tensor<2>, &Tensor<1>, &Tensor<2>, Draw);

pub(crate) fn bench(bench: &Bench) {
    let cases: [(&str, &str, f64, Call); 5] = [
        ("white", "x + 0.5 * s * g.standard_normal(x.shape, dtype=np.float32)", 60.0, |track, s, _, draw| {
            let _ = white(track.clone(), s.clone(), draw).expect("shapes fit");
        }),
        (
            "drift",
            "x + s * scipy.signal.lfilter([0.18], [1, -0.995], g.standard_normal(x.shape, dtype=np.float32), axis=0)",
            62.0,
            |track, s, _, draw| {
                let noise = OrnsteinUhlenbeck::default();
                let _ = ornstein_uhlenbeck(track.clone(), s.clone(), noise, draw).expect("shapes fit");
            },
        ),
        (
            "replacement",
            "np.where((g.random(36000) < 0.5)[:, None], bank[g.integers(0, 1000, 36000)], x)",
            10.0,
            |track, _, bank, draw| {
                let _ = replacement(track.clone(), bank.clone(), 1..=1, draw).expect("shapes fit");
            },
        ),
        (
            "emotion",
            "np.where((g.random(36000) < 0.5)[:, None], np.roll(x, 3, axis=1), x)",
            10.0,
            |track, _, _, draw| {
                let _ = emotion_corruption(track.clone(), 30, draw).expect("shapes fit");
            },
        ),
        (
            "over_smoothing",
            "scipy.ndimage.uniform_filter1d(x, 9, axis=0, mode='nearest')",
            18.0,
            |track, _, _, draw| {
                let _ = over_smoothing(track.clone(), draw.strength, Margins::default()).expect("shapes fit");
            },
        ),
    ];
    let values = (FRAMES * CHANNELS) as f64;
    for (name, statement, operations, call) in cases {
        let peer = bench.python(SETUP, statement).map(|secs| ("NumPy/SciPy", secs));
        let work = Work { bytes: 8.0 * values, operations: operations * values };
        let prepare = |device: &Device| {
            let random = |rows| Tensor::<2>::random([rows, CHANNELS], Distribution::Default, device);
            (random(FRAMES), Tensor::<1>::ones([CHANNELS], device), random(1000))
        };
        let draw = Draw { seed: 1, strength: 0.5, first_frame: 0 };
        bench.measure(&format!("perturb {name} 36000 x 52"), work, peer, prepare, |(track, s, bank)| {
            call(track, s, bank, draw);
        });
    }
}
