"""Writes log_mel.json: log-mel values by librosa for a signal that the tests of src/log_mel.rs build again.

    pip install librosa==0.11.0 && python log_mel.py
"""
import json
import pathlib

import librosa
import numpy as np


def test_signal(sample_rate_hz, count):
    """A gliding tone with eight harmonics over a little noise."""
    secs = np.arange(count) / sample_rate_hz
    turns = 120.0 * secs + 200.0 * secs * secs
    tone = sum(np.sin(2 * np.pi * turns * k) / k for k in range(1, 9))
    noise, state = [], 12345
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        noise.append(state / 2**32 - 0.5)
    return (0.2 * tone + 0.01 * np.array(noise)).astype(np.float32)


def log_mel(samples, rate, fft_size, mel_count, low_hz, high_hz):
    power = librosa.feature.melspectrogram(
        y=samples, sr=rate, n_fft=fft_size, win_length=round(0.025 * rate), hop_length=rate // 100, window="hann",
        center=True, pad_mode="constant", power=2.0, n_mels=mel_count, fmin=low_hz, fmax=high_hz, htk=False,
        norm="slaney")
    return np.log(np.maximum(power, 1e-10)).T


def case(rate, count, fft_size, mel_count, low_hz, high_hz, frames):
    values = log_mel(test_signal(rate, count), rate, fft_size, mel_count, low_hz, high_hz)
    return {
        "sample_rate_hz": rate, "sample_count": count, "fft_size": fft_size, "mel_count": mel_count,
        "low_hz": low_hz, "high_hz": high_hz,
        "frames": [{"index": k, "values": [round(float(v), 5) for v in values[k]]} for k in frames],
    }


result = {
    "made_by": f"librosa {librosa.__version__}",
    "cases": [
        case(16000, 4000, 512, 80, 0.0, 8000.0, [0, 1, 12, 24]),
        case(48000, 9600, 2048, 40, 60.0, 7600.0, [0, 10, 19]),
    ],
}
pathlib.Path(__file__).with_name("log_mel.json").write_text(json.dumps(result) + "\n")
