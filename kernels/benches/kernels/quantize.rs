use crate::common::{Bench, Work};
use burn::tensor::{Device, Distribution, Tensor};
use esarm_kernels::quantize::{Draw, drawn_codes, nearest_codes};
use esarm_kernels::random::Random;

const VECTORS: usize = 8192;
const CODES: usize = 512;
const WIDTH: usize = 64;

pub(crate) fn bench(bench: &Bench) {
    let setup = "import scipy.cluster.vq as vq
x = np.random.randn(8192, 64).astype(np.float32); c = np.random.randn(512, 64).astype(np.float32)";
    let scipy = bench.python(setup, "vq.vq(x, c)").map(|secs| ("SciPy vq", secs));
    let drawing = "(-((x * x).sum(1)[:, None] - 2 * x @ c.T + (c * c).sum(1)) + np.random.gumbel(size=(8192, 512))).argmax(1)";
    let numpy = bench.python(setup, drawing).map(|secs| ("NumPy", secs));
    let distances = (VECTORS * CODES) as f64;
    let work = Work {
        bytes: 4.0 * ((VECTORS + CODES) * WIDTH + VECTORS) as f64,
        operations: 3.0 * distances * WIDTH as f64,
    };
    let prepare = |device: &Device| {
        let random = |rows| Tensor::<2>::random([rows, WIDTH], Distribution::Default, device);
        (random(VECTORS), random(CODES))
    };
    bench.measure("quantize 8192 x 64, 512 codes", work, scipy, prepare, |(vectors, codebook)| {
        let _ = nearest_codes(vectors.clone(), codebook.clone()).expect("shapes fit");
    });
    let draw = Draw { temperature: 1.0, random: Random::new(1, 2), first_vector: 0 };
    bench.measure("quantize by drawing", work, numpy, prepare, |(vectors, codebook)| {
        let _ = drawn_codes(vectors.clone(), codebook.clone(), draw).expect("shapes fit");
    });
}
