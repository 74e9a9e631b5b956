"""Files as NumPy and SciPy write them, each with the bytes that a reader has to give; and what they make of ours.

make FOLDER: NAME.npy or NAME.wav, NAME.json (options), NAME.expected (samples in order of time, channels side by side)
read FILE:   prints shape, type and the SHA-256 of the bytes in C order
"""

import hashlib
import json
import pathlib
import sys

import numpy as np
import scipy.io.wavfile


def numbers(shape, dtype, seed=1):
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.names:
        array = np.empty(shape, dtype)
        for name in dtype.names:
            array[name] = numbers(shape, dtype[name], seed + ord(name[0]))
        return array
    if dtype.kind == "c":
        return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(dtype)
    if dtype.kind == "f":
        return rng.normal(size=shape).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, shape, endpoint=True, dtype=dtype.newbyteorder("=")).astype(dtype)


def put(folder, name, array, options, expected, version=None):
    with open(folder / f"{name}.npy", "wb") as file:
        np.lib.format.write_array(file, array, version)
    (folder / f"{name}.json").write_text(json.dumps(options))
    (folder / f"{name}.expected").write_bytes(expected.tobytes())


def make(folder):
    types = ["|u1", "|i1"] + [o + t for o in "<>" for t in "u2 i2 u4 i4 u8 i8 f4 f8 c8 c16".split()]
    types += [[("r", "<i2"), ("i", "<i2")], [("re", ">f4"), ("im", ">f4")], [("i", "i1"), ("q", "i1")]]
    for index, dtype in enumerate(types):
        array = numbers(37, dtype)
        put(folder, f"type{index}", array, {}, array, version=[None, (1, 0), (2, 0), (3, 0)][index % 4])
    half = numbers((3, 11), "<f2")
    put(folder, "half", half, {}, half.astype("<f4"))

    axes = {"p": "pulse", "c": "channel", "s": "sample", "i": "iq"}
    lengths = {"p": 4, "c": 3, "s": 7, "i": 2}
    for letters in "s sc cs ps sp pcs psc cps csp spc scp pps pspc si psi pis icsp".split():
        for order in "CF":
            array = np.asarray(numbers([lengths[x] for x in letters], "<i2"), order=order)
            # Pulses, samples, channels, I and Q; several pulse axes keep their order.
            order_wanted = sorted(range(len(letters)), key=lambda axis: ("psci".index(letters[axis]), axis))
            options = {"axes": [axes[x] for x in letters]}
            put(folder, f"axes_{letters}_{order}", array, options, np.transpose(array, order_wanted).copy())
    for n_axes, shape in enumerate([(5,), (4, 5), (4, 3, 5)]):
        array = numbers(shape, "<c8")
        put(folder, f"default{n_axes}", array, {}, np.moveaxis(array, 1, 2).copy() if n_axes == 2 else array)

    signed = numbers((2, 5, 2), "<i2")
    unsigned = signed.astype("<u2").astype("<f8")
    for order in "CF":
        wrapped = np.asarray(unsigned[..., 0] + 1j * unsigned[..., 1], order=order)
        put(folder, f"wrapped_{order}", wrapped, {"wrapped_int16": True}, signed)
    put(folder, "wrapped_real", unsigned[..., 0].astype(">f4"), {"wrapped_int16": True}, signed[..., 0].copy())

    for name, dtype in {"u8": "u1", "i16": "<i2", "i32": "<i4", "f32": "<f4", "f64": "<f8"}.items():
        for n_channels in (1, 2, 3):
            array = numbers((41, n_channels), dtype)
            wav = f"wav_{name}_{n_channels}"
            scipy.io.wavfile.write(folder / f"{wav}.wav", 44100, array)
            (folder / f"{wav}.json").write_text("{}")
            (folder / f"{wav}.expected").write_bytes(array.tobytes())


def read(path):
    if path.endswith(".wav"):
        rate, array = scipy.io.wavfile.read(path)
    else:
        rate, array = None, np.load(path)
    digest = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
    print(json.dumps({"rate": rate, "shape": array.shape, "type": array.dtype.str, "sha256": digest}))


if sys.argv[1] == "make":
    make(pathlib.Path(sys.argv[2]))
else:
    read(sys.argv[2])
