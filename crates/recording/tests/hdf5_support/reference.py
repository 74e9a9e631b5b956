"""Writes and reads recordings with the packages that the field uses: the other side of the tests.

reference.py drf-write JSON FOLDER …  Digital RF recordings as the list in JSON says; prints what `drf-read` would
reference.py drf-read FOLDER …        a list: bounds, blocks and a checksum of each channel
reference.py h5-write FILE JSON       a plain HDF5 file
"""

import hashlib
import json
import os
import sys

import h5py
import numpy as np

EPOCH_S = 1_700_000_000


def samples(n, channels, dtype, seed):
    """Numbers that no two places share by chance, [n x channels]."""
    dtype = np.dtype(dtype)
    rng = np.random.default_rng(seed)
    shape = (n, channels)

    def numbers(kind):
        if kind.kind == "f":
            return rng.standard_normal(shape).astype(kind)
        info = np.iinfo(kind)
        return rng.integers(info.min, info.max, shape, dtype=kind.newbyteorder("="), endpoint=True).astype(kind)

    if dtype.names:
        out = np.empty(shape, dtype)
        for name in dtype.names:
            out[name] = numbers(dtype[name])
        return out
    return numbers(dtype)


def dtype_of(spec):
    kind = np.dtype(spec["scalar"])
    return np.dtype([("r", kind), ("i", kind)]) if spec.get("complex", True) else kind


def drf_write(folder, spec):
    import digital_rf

    channel = os.path.join(folder, spec.get("channel", "ch0"))
    os.makedirs(channel)
    numerator, denominator = spec["rate"]
    start = -(-EPOCH_S * numerator // denominator) + spec.get("offset", 0)
    dtype = dtype_of(spec)
    channels = spec.get("subchannels", 1)
    writer = digital_rf.DigitalRFWriter(
        channel, dtype, spec.get("subdir_s", 10), spec.get("file_ms", 1000), start, numerator, denominator,
        "a-test", spec.get("gzip", 0), spec.get("checksum", False), spec.get("complex", True), channels,
        spec.get("continuous", False), False)
    at = 0
    for k, (skip, n) in enumerate(spec["blocks"]):
        at += skip
        data = samples(n, channels, dtype, k)
        writer.rf_write(data[:, 0] if channels == 1 else data, at)
        at += n
    writer.close()
    if "metadata" in spec:
        os.makedirs(channel + "/metadata")
        metadata = digital_rf.DigitalMetadataWriter(channel + "/metadata", 3600, 60, numerator, denominator, "metadata")
        for offset, fields in spec["metadata"]:
            metadata.write(start + offset, fields)


def drf_read(folder):
    import digital_rf

    reader = digital_rf.DigitalRFReader(folder)
    out = {}
    for channel in reader.get_channels():
        first, last = reader.get_bounds(channel)
        blocks = reader.read(first, last, channel)
        properties = reader.get_properties(channel, first)
        digest = hashlib.sha256()
        for data in blocks.values():
            # Joining blocks of several files turns big-endian numbers round: back to the order of the files.
            order = ">" if properties["H5Tget_order"] == 1 else "<"
            digest.update(np.ascontiguousarray(data.astype(data.dtype.newbyteorder(order))).tobytes())
        entry = {
            "first": int(first), "last": int(last),
            "blocks": [[int(start), len(data)] for start, data in blocks.items()],
            "continuous": [[int(s), int(n)] for s, n in reader.get_continuous_blocks(first, last, channel).items()],
            "sha256": digest.hexdigest(),
            "dtype": str(next(iter(blocks.values())).dtype),
            "columns": next(iter(blocks.values())).shape[1] if next(iter(blocks.values())).ndim > 1 else 1,
            "rate": [int(properties["sample_rate_numerator"]), int(properties["sample_rate_denominator"])],
            "properties": {k: str(v) for k, v in properties.items()},
        }
        # The vector that users ask for: converted to float, first block only.
        start, data = next(iter(blocks.items()))
        entry["vector"] = len(reader.read_vector(start, len(data), channel))
        if os.path.isdir(os.path.join(folder, channel, "metadata")):
            metadata = digital_rf.DigitalMetadataReader(os.path.join(folder, channel, "metadata"))
            (index, fields), = metadata.read_latest().items()
            entry["metadata"] = {"index": int(index), "fields": fields, "names": sorted(metadata.get_fields())}
        out[channel] = entry
    return out


def h5_write(path, spec):
    """Datasets by name; returns the checksum of the bytes of each in C order."""
    sums = {}
    with h5py.File(path, "w", userblock_size=spec.get("userblock", 0)) as file:
        for name, of in spec["datasets"].items():
            if "names" in of:
                kind = np.dtype(of["scalar"])
                dtype = np.dtype({"names": of["names"], "formats": [kind, kind],
                                  **({"offsets": of["offsets"], "itemsize": of["itemsize"]} if "offsets" in of else {})})
            else:
                dtype = np.dtype(of["scalar"])
            shape = of["shape"]
            flat = samples(int(np.prod(shape)), 1, dtype, len(sums)).reshape(shape)
            options = {k: of[k] for k in ("compression", "shuffle", "fletcher32") if k in of}
            if "chunks" in of:
                options["chunks"] = tuple(of["chunks"])
            if "maxshape" in of:
                options["maxshape"] = tuple(of["maxshape"])
            dataset = file.create_dataset(name, data=flat, dtype=dtype, **options)
            for key, value in of.get("attributes", {}).items():
                dataset.attrs[key] = value
            packed = np.empty(shape, dtype=[(n, dtype[n]) for n in dtype.names]) if dtype.names else flat
            if dtype.names:
                for n in dtype.names:
                    packed[n] = flat[n]
            sums[name] = np.ascontiguousarray(packed).tobytes().hex() if flat.size <= 100_000 else None
        for name, attributes in spec.get("groups", {}).items():
            for key, value in attributes.items():
                file.require_group(name).attrs[key] = value
        exec(spec.get("more", ""), {"file": file, "h5py": h5py, "np": np})
    return sums


def h5_read(path, datasets):
    out = {}
    with h5py.File(path, "r") as file:
        for name in datasets:
            data = file[name][...]
            out[name] = {"shape": list(data.shape), "hex": hashlib.sha256(np.ascontiguousarray(data).tobytes()).hexdigest()}
    return out


command, *arguments = sys.argv[1:]
if command == "drf-write":
    specs, *folders = arguments
    for folder, spec in zip(folders, json.loads(specs), strict=True):
        drf_write(folder, spec)
    result = [drf_read(folder) for folder in folders]
elif command == "drf-read":
    result = [drf_read(folder) for folder in arguments]
elif command == "h5-write":
    result = h5_write(arguments[0], json.loads(arguments[1]))
elif command == "h5-read":
    result = h5_read(arguments[0], json.loads(arguments[1]))
print("\n" + json.dumps(result, default=lambda value: value.tolist() if hasattr(value, "tolist") else str(value)))
