"""Writes perturb.json: a track smoothed by SciPy and shifted by NumPy.

    pip install scipy==1.17.1 && python perturb.py
"""
import json
import pathlib

import numpy as np
import scipy.ndimage

rng = np.random.default_rng(2)
track = np.cumsum(rng.standard_normal((40, 3)), axis=0).round(4)
frames = np.arange(len(track))


def shifted(by):
    return np.stack([np.interp(frames - by, frames, channel) for channel in track.T], axis=1)


result = {
    "track": track.tolist(),
    "smoothed": [
        {"strength": s, "values": scipy.ndimage.uniform_filter1d(track, 1 + round(15 * s), axis=0, mode="nearest").round(7).tolist()}
        for s in [0.0, 0.07, 0.21, 1.0]
    ],
    "shifted": [{"by": by, "values": shifted(by).round(7).tolist()} for by in [0.0, 3.0, 2.25, -4.6, 100.0]],
}
pathlib.Path(__file__).with_name("perturb.json").write_text(json.dumps(result) + "\n")
