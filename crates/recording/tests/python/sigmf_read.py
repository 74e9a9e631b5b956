"""Reads recordings with the Python package sigmf, validates them and prints, one JSON line each, what it sees."""

import json
import sys
import warnings

import numpy as np
import sigmf

# Undeclared extensions are warnings so far; to this project they are errors.
warnings.filterwarnings("error", message=".*undeclared.*")

for path in sys.argv[1:]:
    meta = sigmf.fromfile(path, autoscale=False)  # checks the SHA-512 as well
    meta.validate()
    seen = {
        "captures": [[c["core:sample_start"], c.get("core:global_index")] for c in meta.get_captures()],
        "annotations": [[a["core:sample_start"], a.get("core:sample_count"), a.get("core:label")]
                        for a in meta.get_annotations()],
        "sample_rate": meta.sample_rate,
    }
    if meta.data_file is not None:
        samples = np.asarray(meta[:])
        seen["n_samples"] = len(samples)
        seen["sum"] = [float(samples.real.sum(dtype="f8")), float(samples.imag.sum(dtype="f8"))]
    print(json.dumps(seen))
