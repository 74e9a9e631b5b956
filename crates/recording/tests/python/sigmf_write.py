"""Writes recordings with the Python package sigmf into the folder that is given: a pair, and archives."""

import sys
from pathlib import Path

import numpy as np
import sigmf
from sigmf import SigMFFile

folder = Path(sys.argv[1])
samples = np.arange(1000, dtype="<f4").view("<c8")
samples.tofile(folder / "pair.sigmf-data")
meta = SigMFFile(
    data_file=folder / "pair.sigmf-data",
    global_info={"core:datatype": "cf32_le", "core:sample_rate": 48e3, "core:author": "a person"},
)
meta.add_capture(0, {"core:frequency": 915e6, "core:datetime": "2026-11-22T10:00:00.250000Z"})
meta.add_capture(200, {"core:global_index": 700})
meta.add_annotation(190, 20, {"core:label": "across", "core:comment": "the gap"})
meta.tofile(folder / "pair")
meta.tofile(folder / "archive.sigmf")

# A dataset with bytes around its samples, under a name so long that tar needs an extended header.
name = "n" * 120
(folder / f"{name}.wav").write_bytes(b"h" * 44 + samples.tobytes() + b"t" * 10)
meta = SigMFFile(metadata={
    "global": {"core:datatype": "cf32_le", "core:sample_rate": 48e3, "core:version": "1.2.0",
               "core:dataset": f"{name}.wav", "core:trailing_bytes": 10},
    "captures": [{"core:sample_start": 0, "core:header_bytes": 44}], "annotations": []})
meta.set_data_file(folder / f"{name}.wav", offset=44)
meta.tofile(folder / name)
meta.tofile(folder / f"{name}.sigmf")
