"""Writes resample.json: noise resampled by SciPy's polyphase filter.

    pip install scipy==1.17.1 && python resample.py
"""
import json
import pathlib

import numpy as np
import scipy
import scipy.signal

signal = np.random.default_rng(9).standard_normal(60).round(4)
result = {
    "made_by": f"scipy {scipy.__version__}",
    "signal": [float(v) for v in signal],
    "cases": [
        {"up": up, "down": down,
         "values": [round(float(v), 8) for v in scipy.signal.resample_poly(signal, up, down)]}
        for up, down in [(1, 3), (3, 1), (2, 3), (160, 441), (147, 160), (5, 7)]
    ],
}
pathlib.Path(__file__).with_name("resample.json").write_text(json.dumps(result) + "\n")
