"""The Python packages of the field on the other side of `rangegate convert`.

peers.py read PATH …    each recording as JSON: its stretches [index, length], and every number, channel by channel in turn
peers.py write FOLDER   Digital RF, SigMF and HDF5 recordings of what `numbers` says
"""

import json
import os
import sys

import numpy as np

RATE = 2_000_000
FIRST = 1_000_003
# Two stretches with a gap between.
STRETCHES = [(0, 1500), (1700, 1300)]


def numbers(first, n, n_channels):
    """16-bit numbers that follow from their places, [n x channels x 2]."""
    index, channel, part = np.meshgrid(np.arange(first, first + n), np.arange(n_channels), np.arange(2), indexing="ij")
    return ((index * 7919 + channel * 104_729 + part * 1_299_709) % 65_521 - 32_760).astype("<i2")


def flat(samples):
    """Every number of an array of samples, whatever kind of complex they are."""
    samples = np.ascontiguousarray(samples)
    if samples.dtype.names:
        samples = np.stack([samples["r"], samples["i"]], axis=-1)
    elif samples.dtype.kind == "c":
        samples = np.stack([samples.real, samples.imag], axis=-1)
    return samples.astype("f8").ravel().tolist()


def read_digital_rf(path):
    import digital_rf

    reader = digital_rf.DigitalRFReader(path)
    first, last = reader.get_bounds("ch0")
    stretches, found = [], []
    for start, n in reader.get_continuous_blocks(first, last, "ch0").items():
        stretches.append([int(start), int(n)])
        found += flat(reader.read_vector_raw(start, n, "ch0"))
    return stretches, found


def read_sigmf(path):
    import sigmf

    meta = sigmf.fromfile(path, autoscale=False)
    meta.validate()
    samples = np.asarray(meta[:])
    starts = [c["core:sample_start"] for c in meta.get_captures()] + [len(samples)]
    indices = [c["core:global_index"] for c in meta.get_captures()]
    return [[i, b - a] for i, a, b in zip(indices, starts, starts[1:])], flat(samples)


def read_hdf5(path):
    import h5py

    with h5py.File(path, "r") as file:
        data = file["samples"]
        assert data.attrs["sample_rate"] == data.attrs["sample_rate_numerator"] / data.attrs["sample_rate_denominator"]
        return [[int(data.attrs["first_sample"]), len(data)]], flat(data[...])


def read_flat(path):
    if path.endswith(".npy"):
        samples = np.load(path)
    elif path.endswith(".wav"):
        from scipy.io import wavfile

        samples = wavfile.read(path)[1]
        samples = samples.reshape(len(samples), -1)
    else:
        samples = np.fromfile(path, {"cs8": "i1", "cs16": "<i2", "cf32": "<f4"}[path.rsplit(".", 1)[1]])
    return [[0, None]], flat(samples)


def read(path):
    if os.path.isdir(path):
        stretches, found = read_digital_rf(path)
    elif path.endswith(".sigmf-meta"):
        stretches, found = read_sigmf(path)
    elif path.endswith(".h5"):
        stretches, found = read_hdf5(path)
    else:
        stretches, found = read_flat(path)
    return {"stretches": stretches, "numbers": found}


def write(folder):
    import digital_rf
    import h5py
    import sigmf

    pair = np.dtype([("r", "<i2"), ("i", "<i2")])

    def samples(at, n, n_channels=2):
        return np.ascontiguousarray(numbers(FIRST + at, n, n_channels)).view(pair)[..., 0]

    os.makedirs(f"{folder}/drf/ch0")
    writer = digital_rf.DigitalRFWriter(
        f"{folder}/drf/ch0", pair, 3600, 100, FIRST, RATE, 1, "a-test", 0, False, True, 2, False, False)
    for at, n in STRETCHES:
        writer.rf_write(samples(at, n), at)
    writer.close()

    np.concatenate([samples(*stretch) for stretch in STRETCHES]).tofile(f"{folder}/pair.sigmf-data")
    meta = sigmf.SigMFFile(data_file=f"{folder}/pair.sigmf-data", global_info={
        "core:datatype": "ci16_le", "core:sample_rate": RATE, "core:num_channels": 2, "core:author": "a person"})
    start = 0
    for at, n in STRETCHES:
        meta.add_capture(start, {"core:global_index": FIRST + at, "core:frequency": 1.09e9})
        start += n
    meta.add_annotation(100, 50, {"core:label": "here"})
    meta.tofile(f"{folder}/pair")

    with h5py.File(f"{folder}/one.h5", "w") as file:
        data = file.create_dataset("iq", data=samples(0, STRETCHES[0][1], 1)[:, 0])
        data.attrs.update({"sample_rate": float(RATE), "first_sample": FIRST, "center_frequency": 1.09e9})


command, *arguments = sys.argv[1:]
result = [read(path) for path in arguments] if command == "read" else write(*arguments)
print("\n" + json.dumps(result))
