"""Writes correlation.json: weighted statistics of channels by NumPy.

    pip install numpy==2.4.6 && python correlation.py
"""
import json
import pathlib

import numpy as np

rng = np.random.default_rng(23)
tracks = (0.3 + 0.2 * rng.standard_normal((60, 7)) @ rng.standard_normal((7, 7))).round(4)
weights = rng.dirichlet(np.full(3, 0.5), 60).round(4)
source, target, penalty = [0, 2, 5], [1, 6], 0.01

emotions = []
for weight in weights.T:
    covariance = np.cov(tracks.T, aweights=weight, ddof=0)
    deviations = np.sqrt(np.diag(covariance))
    means = np.average(tracks, axis=0, weights=weight)
    # Ridge regression as least squares over frames and the penalty's own rows.
    roots = np.sqrt(weight / weight.sum())[:, None]
    left = np.vstack([roots * (tracks - means)[:, source], np.sqrt(penalty) * np.eye(len(source))])
    right = np.vstack([roots * (tracks - means)[:, target], np.zeros((len(source), len(target)))])
    coefficients = np.linalg.lstsq(left, right, rcond=None)[0].T
    emotions.append({
        "weight": weight.sum(),
        "means": means.tolist(),
        "covariances": covariance.ravel().tolist(),
        "correlations": (covariance / np.outer(deviations, deviations)).ravel().tolist(),
        "coefficients": coefficients.ravel().tolist(),
        "intercepts": (means[target] - coefficients @ means[source]).tolist(),
    })
reference = {
    "tracks": tracks.tolist(), "weights": weights.tolist(), "from": source, "to": target, "penalty": penalty,
    "emotions": emotions,
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(reference) + "\n")
