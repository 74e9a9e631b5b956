"""Runs Rangegate and its peers round by round; prints ratios as a table and draws them. Called by scripts/bench-peers."""

import datetime
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

HERE = pathlib.Path(__file__).parent
CORE = max(os.sched_getaffinity(0))
N_STREAM, N_HOT = 1 << 24, 1 << 22

STREAM_PEERS = {
    "GNU Radio, flowgraph": "gnuradio-flowgraph",
    "GNU Radio, bare kernel": "gnuradio",
    "liquid-dsp, real taps": "liquid",
    "SciPy oaconvolve": "oaconvolve.py",
}
HOT_PEERS = {"MKL": "mkl", "IPP": "ipp"}


class Peer:
    """A process that runs one round for each line that it gets."""

    def __init__(self, folder, program, form, taps, fft_len, n_samples):
        own = [sys.executable, str(HERE / program)] if program.endswith(".py") else [str(folder / program)]
        command = ["taskset", "-c", str(CORE), *own, form, str(taps), str(fft_len), str(n_samples)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
        # It looks for its best plan first, and has the core to itself until that is found.
        self.round()

    def round(self):
        """Million samples a second, or None where it cannot run."""
        try:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return None
        for line in self.process.stdout:
            # GNU Radio logs to the same place.
            if re.fullmatch(r"[0-9.]+\s*", line):
                return float(line)
        return None

    def end(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.wait()


def rangegate(program, case, *args):
    command = ["taskset", "-c", str(CORE), program, "bench", *args, "--seconds", "0", "--json"]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    rates = {found["name"]: found["msamples_per_s"] for found in report["cases"]}
    return next(rate for name, rate in rates.items() if case in name)


def compare(work, peers, ours, n_rounds):
    """Rows of name, our rate, theirs, and the ratio of each round."""
    rates = {name: [] for name in peers}
    own = []
    for number in range(n_rounds):
        own.append(ours())
        for name, peer in peers.items():
            rates[name].append(peer())
        print(f"{work}: round {number + 1} of {n_rounds}", file=sys.stderr)
    rows = []
    for name, theirs in rates.items():
        if None not in theirs:
            ratios = sorted(a / b for a, b in zip(own, theirs))
            rows.append((work, name, statistics.median(own), statistics.median(theirs), ratios))
    return rows


def filters(program, folder, n_rounds):
    rows = []
    works = [("stream", form, taps, 8 * taps) for taps in (1024, 4096) for form in ("cs16", "cf32")]
    works += [("hot", "cf32", n // 8, n) for n in (8192, 16384, 32768)]
    for kind, form, taps, fft_len in works:
        n_samples, programs = (N_STREAM, STREAM_PEERS) if kind == "stream" else (N_HOT, HOT_PEERS)
        started = {n: Peer(folder, p, form, taps, fft_len, n_samples) for n, p in programs.items()}
        case = "memory to memory" if kind == "stream" else "again and again"
        args = ["matched-filter", "--taps", str(taps), "--fft-len", str(fft_len), "--format", form]
        args += ["--samples", str(n_samples)]
        name = f"{taps} taps, {form}, memory to memory" if kind == "stream" else f"N = {fft_len}, in cache"
        peers = {n: peer.round for n, peer in started.items()}
        rows += compare(name, peers, lambda: rangegate(program, case, *args), n_rounds)
        for peer in started.values():
            peer.end()
    return rows


def pulse_doppler(program, n_rounds):
    def scipy():
        command = ["taskset", "-c", str(CORE), sys.executable, str(HERE / "pulse_doppler.py"), "3"]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return 1e3 / json.loads(out)["chain"]

    ours = lambda: rangegate(program, "chain:", "pulse-doppler")
    return compare("pulse-Doppler, 128 × 8192", {"SciPy": scipy}, ours, n_rounds)


def table(rows):
    lines = ["| work | peer | Rangegate, MS/s | peer, MS/s | ratio | least, greatest |", "|---|---|---|---|---|---|"]
    for work, name, own, theirs, ratios in rows:
        median = statistics.median(ratios)
        spread = f"{ratios[0]:.2f}, {ratios[-1]:.2f}"
        lines.append(f"| {work} | {name} | {own:.0f} | {theirs:.0f} | **{median:.2f}** | {spread} |")
    return "\n".join(lines)


def draw(rows, path):
    figure, axes = plt.subplots(figsize=(8, 0.32 * len(rows) + 1.2), layout="constrained")
    labels = [f"{work} · {name}" for work, name, *_ in rows]
    medians = [statistics.median(ratios) for *_, ratios in rows]
    spread = [[m - r[0] for m, (*_, r) in zip(medians, rows)], [r[-1] - m for m, (*_, r) in zip(medians, rows)]]
    axes.barh(labels, medians, xerr=spread, color="#3b6ea5", ecolor="#555555", height=0.7)
    # One disturbed round of a slow peer shall not press all the others together.
    end = 1.15 * max(medians)
    for place, (median, (*_, ratios)) in enumerate(zip(medians, rows)):
        at = ratios[-1] if ratios[-1] < end else median
        axes.annotate(f"{median:.2f}", (at, place), (4, 0), textcoords="offset points", va="center", fontsize=8,
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xlim(0, end)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel("throughput of Rangegate over the peer's, one core")
    axes.tick_params(axis="y", labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)


def main():
    program, folder, n_rounds, out = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), pathlib.Path(sys.argv[4])
    rows = pulse_doppler(program, n_rounds) + filters(program, folder, n_rounds)
    text = table(rows)
    print(text)
    cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "")
    draw(rows, out / "peers.png")
    head = f"`scripts/bench-peers {n_rounds}`, {datetime.date.today()}, {cpu}, one core; medians of rounds in turn."
    (out / "peers-table.md").write_text(f"{head}\n\n{text}\n")


if __name__ == "__main__":
    main()
