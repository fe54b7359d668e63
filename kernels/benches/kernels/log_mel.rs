use crate::common::{Bench, Work};
use burn::tensor::{Device, Distribution, Tensor};
use esarm_kernels::log_mel::{LogMel, LogMelSettings};

pub(crate) fn bench(bench: &Bench) {
    let (clips, samples) = (8, 160_000);
    let settings = LogMelSettings::default();
    let transform = LogMel::new(&settings).expect("default settings");
    let peer = bench.python(
        "import librosa\nx = np.random.randn(8, 160000).astype(np.float32)",
        "np.log(np.maximum(librosa.feature.melspectrogram(y=x, sr=16000, n_fft=512, win_length=400, hop_length=160, pad_mode='constant', n_mels=80), 1e-10))",
    );
    let frames = (clips * settings.frame_count(samples)) as f64;
    let fft = settings.fft_size as f64;
    let work = Work {
        bytes: 4.0 * (clips * samples) as f64 + 4.0 * frames * settings.mel_count as f64,
        operations: frames * (2.5 * fft * fft.log2() + 6.0 * fft),
    };
    let prepare =
        |device: &Device| Tensor::<2>::random([clips, samples], Distribution::Normal(0.0, 0.1), device);
    let peer = peer.map(|secs| ("librosa", secs));
    bench.measure("log_mel 8 x 10 s at 16 kHz", work, peer, prepare, |samples| {
        let _ = transform.of_clips(samples.clone());
    });
}
