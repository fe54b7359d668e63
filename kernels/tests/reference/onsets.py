"""Writes onsets.json: onset strength and beats by librosa.

    pip install librosa==0.11.0 && python onsets.py
"""
import json
import pathlib

import librosa
import numpy as np

rng = np.random.default_rng(5)
log_mel = rng.normal(-5.0, 2.0, (40, 4)).round(4)
decibels = 10.0 / np.log(10.0) * log_mel.T
strength = librosa.onset.onset_strength(S=decibels, sr=16000, hop_length=160, center=False)


def beats(tempo_bpm, drift):
    """Pulses that drift in tempo and jitter, over noise; at 100 frames a second."""
    count, position = 700, 13.0
    envelope = rng.uniform(0.0, 0.3, count)
    while position < count - 3:
        envelope[round(position)] += rng.uniform(2.0, 4.0)
        position += 6000.0 / tempo_bpm * (1.0 + drift * rng.uniform(-1.0, 1.0))
    envelope = envelope.round(4).astype(np.float32)
    _, frames = librosa.beat.beat_track(
        onset_envelope=envelope, sr=16000, hop_length=160, bpm=tempo_bpm, tightness=100, trim=False)
    return {"tempo_bpm": tempo_bpm, "strength": [round(float(v), 4) for v in envelope],
            "frames": [int(f) for f in frames]}


result = {
    "made_by": f"librosa {librosa.__version__}",
    "log_mel": [float(v) for v in log_mel.flatten()],
    "strength": [round(float(v), 5) for v in strength],
    "beats": [beats(120.0, 0.02), beats(90.0, 0.05)],
}
pathlib.Path(__file__).with_name("onsets.json").write_text(json.dumps(result) + "\n")
