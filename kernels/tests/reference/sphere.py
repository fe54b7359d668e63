"""Writes sphere.json: spherical forms by NumPy and points along great circles by SciPy.

    pip install scipy==1.17.1 && python sphere.py
"""
import json
import pathlib

import numpy as np
import scipy.spatial

rng = np.random.default_rng(5)
points = rng.uniform(-1, 1, (24, 3)).round(4)
points[:4] = [[0, 0, 0], [0, 0, -0.5], [-0.25, 0, 0], [0, -1, 0]]
x, y, z = points.T
spherical = np.stack([np.linalg.norm(points, axis=1), np.arctan2(np.hypot(x, y), z), np.arctan2(y, x)], axis=1)
spherical[0] = 0


def along(start, end, fraction):
    """The direction on the great circle, the radius evenly between."""
    radii = np.linalg.norm([start, end], axis=1)
    direction = scipy.spatial.geometric_slerp(start / radii[0], end / radii[1], fraction)
    return direction * (radii[0] + (radii[1] - radii[0]) * fraction)


keys = points[4:10]
positions = np.array([-1.0, 0.0, 0.25, 0.5, 1.0, 1.9, 2.5, 3.125, 4.75, 5.0, 8.0])
path = []
for position in np.clip(positions, 0, len(keys) - 1):
    key = min(int(position), len(keys) - 2)
    path.append(along(keys[key], keys[key + 1], position - key))

result = {
    "points": points.tolist(),
    "spherical": spherical.round(9).tolist(),
    "keys": keys.tolist(),
    "positions": positions.tolist(),
    "path": np.array(path).round(9).tolist(),
}
pathlib.Path(__file__).with_name("sphere.json").write_text(json.dumps(result) + "\n")
