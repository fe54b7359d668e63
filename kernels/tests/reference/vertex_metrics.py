"""Writes vertex_metrics.json: a mesh deformed by NumPy and its metrics by their formulas on stored vertices.

    pip install numpy==2.4.6 && python vertex_metrics.py
"""
import json
import pathlib

import numpy as np

rng = np.random.default_rng(11)
vertices, targets, frames = 23, 5, 19
positions = rng.uniform(-0.1, 0.1, (vertices, 3)).round(5)
normals = rng.standard_normal((vertices, 3))
normals = (normals / np.linalg.norm(normals, axis=1, keepdims=True)).round(5)
# One target moves nothing, one vertex is moved by none.
moved = rng.random((targets, vertices)) < 0.4
moved[3] = False
moved[:, 7] = False
offsets = (rng.standard_normal((targets, vertices, 3)) * 0.01 * moved[..., None]).round(6)
normal_offsets = (rng.standard_normal((targets, vertices, 3)) * 0.3 * moved[..., None]).round(5)
weights = rng.uniform(-0.2, 1.2, (2, frames, targets)).round(4)

deformed = positions + np.einsum("sft,tvc->sfvc", weights, offsets)
turned = normals + np.einsum("ft,tvc->fvc", weights[0], normal_offsets)
turned /= np.linalg.norm(turned, axis=-1, keepdims=True)

lips, upper = [3, 4, 5, 9, 21], [0, 1, 7, 12, 13, 14, 15]
pairs = [[3, 4], [5, 9]]
motion, reference = deformed * 1000.0
rest = positions * 1000.0
distance = np.linalg.norm(motion - reference, axis=-1)


def movement(track):
    return np.std(np.sum((track[:, upper] - rest[upper]) ** 2, axis=-1), axis=0)


takes = rng.uniform(0, 1, (6, 4, targets)).round(4)
shapes = np.einsum("sft,tvc->sfvc", takes, offsets) * 1000.0
diversity = np.mean([np.linalg.norm(shapes[i] - shapes[i + 3], axis=-1).mean() for i in range(3)])
gap = np.mean([np.linalg.norm(motion[:, top] - motion[:, bottom], axis=-1) for bottom, top in pairs], axis=0)

result = {
    "positions": positions.tolist(),
    "normals": normals.tolist(),
    "targets": [
        {
            "indices": np.flatnonzero(moved[t]).tolist(),
            "position_offsets": offsets[t][moved[t]].tolist(),
            "normal_offsets": normal_offsets[t][moved[t]].tolist(),
        }
        for t in range(targets)
    ],
    "motion": weights[0].tolist(),
    "reference": weights[1].tolist(),
    "takes": takes.tolist(),
    "lips": lips,
    "upper": upper,
    "pairs": pairs,
    "deformed": deformed[0].round(9).tolist(),
    "turned": turned.round(9).tolist(),
    "mve_mm": distance.mean(),
    "lve_mm2": (distance[:, lips].max(axis=1) ** 2).mean(),
    "lve_norm_mm": distance[:, lips].max(axis=1).mean(),
    "lve_mean_mm2": (distance[:, lips] ** 2).mean(),
    "eve_mm2": (distance[:, upper].max(axis=1) ** 2).mean(),
    "eve_norm_mm": distance[:, upper].max(axis=1).mean(),
    "fdd_mm2": (movement(reference) - movement(motion)).mean(),
    "diversity_mm": diversity,
    "lip_gap_mm": gap.round(9).tolist(),
}
pathlib.Path(__file__).with_name("vertex_metrics.json").write_text(json.dumps(result) + "\n")
