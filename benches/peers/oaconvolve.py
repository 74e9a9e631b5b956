"""scipy.signal.oaconvolve on one core, by the protocol of filter.cc: FORMAT TAPS FFT_LEN SAMPLES; a round for each line."""

import sys
import time

import numpy as np
from scipy.signal import oaconvolve


def main():
    form, n_taps, _, n_samples = sys.argv[1], *map(int, sys.argv[2:5])
    taps = np.exp(2.5j * np.arange(n_taps) ** 2 / n_taps).astype(np.complex64) / np.float32(np.sqrt(n_taps))
    random = np.random.default_rng(1)
    stored = random.integers(-(2**15), 2**15, 2 * n_samples, np.int16)
    samples = (stored.astype(np.float32) / np.float32(2**15)).view(np.complex64)

    def once():
        begin = time.perf_counter()
        x = (stored.astype(np.float32) * np.float32(2**-15)).view(np.complex64) if form == "cs16" else samples
        y = oaconvolve(x, taps)
        return y, n_samples / (time.perf_counter() - begin) * 1e-6

    y, _ = once()
    at = n_taps + 7
    expected = np.sum(taps.astype(complex) * samples[at - np.arange(n_taps)])
    assert abs(y[at] - expected) < 1e-4, f"output {at} is {y[at]}, the direct sum {expected}"
    for _ in sys.stdin:
        print(f"{once()[1]:.3f}", flush=True)


if __name__ == "__main__":
    main()
