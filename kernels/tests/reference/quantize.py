"""Writes quantize.json: the nearest codes of vectors by SciPy.

    pip install scipy==1.17.1 && python quantize.py
"""
import json
import pathlib

import numpy as np
import scipy.cluster.vq

rng = np.random.default_rng(11)
vectors = rng.standard_normal((37, 5)).round(3)
codebook = rng.standard_normal((19, 5)).round(3)
codes, distances = scipy.cluster.vq.vq(vectors, codebook)
reference = {
    "vectors": vectors.tolist(),
    "codebook": codebook.tolist(),
    "codes": codes.tolist(),
    "commitment": float((distances ** 2).sum() / vectors.size),
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(reference) + "\n")
