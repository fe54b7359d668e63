use crate::common::{Bench, Work};
use burn::tensor::{Device, Tensor};
use esarm_kernels::returns::{Episodes, discounted_returns};

pub(crate) fn bench(bench: &Bench) {
    let (takes, steps) = (1024, 600);
    let peer = bench.python(
        "from scipy.signal import lfilter\nr = np.random.randn(1024, 600).astype(np.float32)",
        "lfilter([1.0], [1.0, -0.98], r[:, ::-1])[:, ::-1].copy()",
    );
    let values = (takes * steps) as f64;
    let work = Work { bytes: 12.0 * values, operations: 2.0 * values };
    let prepare = |device: &Device| Episodes {
        rewards: Tensor::ones([takes, steps], device),
        goes_on: Tensor::ones([takes, steps], device),
        after: Tensor::zeros([takes], device),
    };
    let peer = peer.map(|secs| ("SciPy lfilter", secs));
    bench.measure("returns 1024 x 600", work, peer, prepare, |episodes| {
        let _ = discounted_returns(episodes, 0.98).expect("shapes fit");
    });
}
