"""The work of benches/pulse_doppler.rs in NumPy and SciPy on one core: cs16 in memory to cells above a threshold.

Single precision throughout, buffers reused, transforms in place where SciPy can. Prints one JSON object: nanoseconds
a sample of each stage, and of all, medians over the rounds.
"""

import json
import sys
import time

import numpy as np
import scipy.fft
from scipy.ndimage import uniform_filter

N_PULSES, N_FAST, N_REPLICA = 128, 8192, 1024
N_GATES = N_FAST - N_REPLICA + 1
RATE_HZ = 20e6
GATE, BIN, AMPLITUDE, NOISE = 2345, 17, 0.01, 0.05
GUARD, TRAINING = (2, 2), (4, 8)  # bins, gates


def recording(replica):
    random = np.random.default_rng(1)
    shape = (N_PULSES, N_FAST)
    x = NOISE * (random.uniform(-1, 1, shape) + 1j * random.uniform(-1, 1, shape))
    doppler = np.exp(2j * np.pi * BIN * np.arange(N_PULSES) / N_PULSES)
    x[:, GATE : GATE + N_REPLICA] += AMPLITUDE * doppler[:, None] * replica
    return np.round(x.astype(np.complex64).view(np.float32) * 32768).astype(np.int16)


def main():
    n_rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    t = np.arange(N_REPLICA) / RATE_HZ
    duration_s = N_REPLICA / RATE_HZ
    replica = np.exp(2j * np.pi * (-8e6 * t + 8e6 / duration_s * t**2))
    raw = recording(replica)
    # A transform of one PRI holds every gate that the whole pulse comes back from.
    spectrum = (np.conj(np.fft.fft(replica, N_FAST)) / N_REPLICA / 32768).astype(np.complex64)
    window = np.hanning(N_PULSES)
    window = (window / window.sum()).astype(np.float32)[:, None]
    outer = [2 * (g + t) + 1 for g, t in zip(GUARD, TRAINING)]
    inner = [2 * g + 1 for g in GUARD]
    n_training = outer[0] * outer[1] - inner[0] * inner[1]
    factor = np.float32(n_training * (1e-9 ** (-1 / n_training) - 1))

    samples = np.empty((N_PULSES, N_FAST), np.complex64)
    stages = {"convert_and_compress": [], "doppler": [], "cfar": [], "chain": []}
    for _ in range(n_rounds + 1):
        begin = time.perf_counter()
        samples.view(np.float32)[...] = raw
        bins = scipy.fft.fft(samples, axis=1, overwrite_x=True, workers=1)
        bins *= spectrum
        compressed = scipy.fft.ifft(bins, axis=1, overwrite_x=True, workers=1)[:, :N_GATES]
        compress_end = time.perf_counter()
        compressed *= window
        doppler = scipy.fft.fft(compressed, axis=0, overwrite_x=True, workers=1)
        power = doppler.real**2
        power += doppler.imag**2
        doppler_end = time.perf_counter()
        mode = ["wrap", "constant"]
        noise = uniform_filter(power, outer, mode=mode)
        noise *= np.float32(outer[0] * outer[1] / n_training)
        guard = uniform_filter(power, inner, mode=mode)
        guard *= np.float32(inner[0] * inner[1] / n_training)
        noise -= guard
        noise *= factor
        cells = np.argwhere(power > noise)
        end = time.perf_counter()
        times = [compress_end - begin, doppler_end - compress_end, end - doppler_end, end - begin]
        for times_s, time_s in zip(stages.values(), times):
            times_s.append(time_s)
    peak = cells[np.argmax([power[tuple(cell)] for cell in cells])]
    assert tuple(peak) == (BIN, GATE), f"the strongest cell is {peak}, expected bin {BIN} and gate {GATE}"
    assert power.dtype == np.float32 and compressed.dtype == np.complex64
    n = N_PULSES * N_FAST
    print(json.dumps({name: float(np.median(times_s[1:])) / n * 1e9 for name, times_s in stages.items()}))


if __name__ == "__main__":
    main()
