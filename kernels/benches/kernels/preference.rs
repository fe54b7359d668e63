use crate::common::{Bench, Work};
use burn::tensor::{Device, Distribution, Tensor};
use esarm_kernels::preference::preference_loss;

pub(crate) fn bench(bench: &Bench) {
    let (batch, takes) = (256, 64);
    let peer = bench.python(
        "r = np.random.randn(256, 64).astype(np.float32); k = np.random.rand(256, 64)",
        "(np.logaddexp(0, r[:, None, :] - r[:, :, None]) * (k[:, :, None] < k[:, None, :])).sum()",
    );
    let pairs = (batch * takes * takes) as f64;
    let work = Work { bytes: 12.0 * (batch * takes) as f64, operations: 10.0 * pairs };
    let prepare = |device: &Device| {
        let random = || Tensor::<2>::random([batch, takes], Distribution::Default, device);
        (random(), random())
    };
    let peer = peer.map(|secs| ("NumPy", secs));
    bench.measure("preference 256 x 64 takes", work, peer, prepare, |(rewards, ranks)| {
        let _ = preference_loss(rewards.clone(), ranks.clone()).expect("shapes fit");
    });
}
