"""Writes temporal_filter.json: a signal smoothed by SciPy and by the formulas of the papers.

    pip install scipy==1.17.1 && python temporal_filter.py
"""
import json
import math
import pathlib

import numpy as np
import scipy.signal

rate = 60.0
rng = np.random.default_rng(3)
time = np.arange(48) / rate
signal = (np.sin(2 * np.pi * 1.5 * time) + 0.2 * rng.standard_normal(48)).round(4)


def one_euro(values, min_cutoff, beta, derivative_cutoff):
    """Algorithm 1 of Casiez et al. 2012, with the speed taken against the last filtered value."""
    def alpha(cutoff):
        tau = 1.0 / (2 * math.pi * cutoff)
        return 1.0 / (1.0 + tau * rate)
    out, smooth, speed = [], values[0], 0.0
    for value in values:
        speed = alpha(derivative_cutoff) * (value - smooth) * rate + (1 - alpha(derivative_cutoff)) * speed
        a = alpha(min_cutoff + beta * abs(speed))
        smooth = a * value + (1 - a) * smooth
        out.append(smooth)
    return out


def exponential(values, time_constant):
    a = 1 - math.exp(-1 / (rate * time_constant))
    out, zi = scipy.signal.lfilter([a], [1, a - 1], values, zi=[(1 - a) * values[0]])
    return out


def rounded(values):
    return [round(float(v), 7) for v in values]


result = {
    "signal": rounded(signal),
    "savitzky_golay": [
        {"window": w, "order": o, "values": rounded(scipy.signal.savgol_filter(signal, w, o, mode="interp"))}
        for w, o in [(5, 2), (9, 3), (15, 4), (7, 0)]
    ],
    "one_euro": rounded(one_euro(signal, 1.5, 0.7, 1.0)),
    "exponential": rounded(exponential(signal, 0.05)),
    "median_5": rounded(scipy.signal.medfilt(signal, 5)),
}
pathlib.Path(__file__).with_name("temporal_filter.json").write_text(json.dumps(result) + "\n")
