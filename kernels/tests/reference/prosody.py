"""Writes prosody.json: pitch, centroid and flux by librosa and energy by NumPy for a voice that the tests build again.

    pip install librosa==0.11.0 && python prosody.py
"""
import json
import pathlib

import librosa
import numpy as np

RATE, COUNT, HOP, WINDOW, FFT = 16000, 8000, 160, 400, 512

secs = np.arange(COUNT) / RATE
turns = 140.0 * secs + 20.0 * secs * secs
tone = sum(np.sin(2 * np.pi * turns * k) / k for k in range(1, 9))
voice = ((0.02 + 0.2 * (0.5 - 0.5 * np.cos(2 * np.pi * 4.0 * secs))) * tone).astype(np.float32)

frames = -(-COUNT // HOP)
# One frame more, before the clip, for the flux of the first one.
earlier = np.concatenate([np.zeros(HOP), voice.astype(np.float64)])
spectrum = np.abs(librosa.stft(
    earlier, n_fft=FFT, hop_length=HOP, win_length=WINDOW, window="hann", center=True,
    pad_mode="constant"))[:, :frames + 1]
centroid = librosa.feature.spectral_centroid(S=spectrum[:, 1:], sr=RATE, n_fft=FFT)[0]
shape = spectrum / spectrum.sum(axis=0)
flux = np.sqrt(((shape[:, 1:] - shape[:, :-1]) ** 2).sum(axis=0))

hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
padded = np.concatenate([np.zeros(WINDOW), voice.astype(np.float64), np.zeros(WINDOW)])
windows = np.stack([padded[k * HOP + WINDOW // 2:][:WINDOW] * hann for k in range(frames)])
energy = np.maximum(10 * np.log10((windows ** 2).sum(axis=1) / (hann ** 2).sum()), -100.0)

f0 = librosa.yin(voice, fmin=60, fmax=500, sr=RATE, frame_length=1024, hop_length=HOP, center=True)[:frames]

rounded = lambda values: [round(float(v), 5) for v in values]
result = {
    "made_by": f"librosa {librosa.__version__}",
    "f0_hz": rounded(f0), "energy_db": rounded(energy), "centroid_hz": rounded(centroid), "flux": rounded(flux),
}
pathlib.Path(__file__).with_name("prosody.json").write_text(json.dumps(result) + "\n")
