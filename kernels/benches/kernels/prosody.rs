use crate::common::{Bench, Work};
use burn::tensor::{Device, Tensor, TensorData};
use esarm_kernels::pitch::PitchSettings;
use esarm_kernels::prosody::{PROSODY_CHANNELS, Prosody};

pub(crate) fn bench(bench: &Bench) {
    let (clips, samples) = (8, 160_000);
    let settings = PitchSettings::default();
    let analysis = Prosody::new(&settings).expect("default settings");
    let peer = bench.python(
        "import librosa\nt = np.arange(160000) / 16000\nx = np.stack([0.3 * np.sign(np.sin(2 * np.pi * 100 * (k + 1) ** 0.5 * t)) for k in range(8)]).astype(np.float32)",
        "(librosa.yin(x, fmin=60, fmax=500, sr=16000, frame_length=1024, hop_length=160), librosa.feature.spectral_centroid(y=x, sr=16000, n_fft=512, win_length=400, hop_length=160))",
    );
    let frames = (clips * samples / 160) as f64;
    let work = Work {
        bytes: 4.0 * (clips * samples) as f64 + 4.0 * frames * PROSODY_CHANNELS.len() as f64,
        // Correlations at 8 kHz: some 120 lags of 120 samples, three sums each; and a transform.
        operations: frames * (6.0 * 120.0 * 120.0 + 2.5 * 512.0 * 9.0),
    };
    let square = |clip: usize, n: usize| {
        let hz = 100.0 * ((clip + 1) as f32).sqrt();
        if (hz * n as f32 / 16_000.0).fract() < 0.5 { 0.3 } else { -0.3 }
    };
    let prepare = |device: &Device| {
        let waves: Vec<f32> =
            (0..clips * samples).map(|index| square(index / samples, index % samples)).collect();
        Tensor::<2>::from_data(TensorData::new(waves, [clips, samples]), device)
    };
    let peer = peer.map(|secs| ("librosa yin and centroid", secs));
    bench.measure("prosody 8 x 10 s at 16 kHz", work, peer, prepare, |samples| {
        let _ = analysis.of_clips(samples.clone()).expect("the device ran");
    });
}
