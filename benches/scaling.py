"""Times the matched filter and the pipeline over their sizes by the program's own benchmarks. See scripts/bench-scaling."""

import datetime
import json
import os
import pathlib
import subprocess
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def cases(program, seconds, *args):
    command = [program, "bench", *args, "--seconds", seconds, "--json"]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {case["name"]: case for case in report["cases"]}


def rate(found, *words):
    """Million samples a second of the case with these words in its name, and of its slowest and fastest round."""
    case = next(case for name, case in found.items() if all(word in name for word in words))
    return [case["msamples_per_s"], *case["spread_msamples_per_s"]]


def measure(program, seconds):
    """What is measured: title, label of the abscissa, sizes, and rates by curve."""

    def of_filter(*args):
        return cases(program, seconds, "matched-filter", *args)

    by_taps = {"avx512": [], "avx2": [], "portable": []}
    taps = [16, 64, 256, 1024, 4096, 16384, 65536]
    for n in taps:
        found = of_filter("--taps", str(n), "--samples", str(1 << 22))
        for path in by_taps:
            if any(name.startswith(path) for name in found):
                by_taps[path].append(rate(found, path, "memory to memory"))
    yield "Matched filter, memory to memory", "taps", taps, {p: r for p, r in by_taps.items() if r}

    templates = [1, 2, 4, 8, 16, 32, 64]
    rates = [
        rate(of_filter("--templates", str(n), "--samples", str(1 << 20)), "again and again") for n in templates
    ]
    outputs = [[x * n for x in r] for n, r in zip(templates, rates)]
    yield "Templates of 1,024 taps, one block in cache", "templates", templates, {
        "samples": rates,
        "outputs (samples × templates)": outputs,
    }

    samples = [1 << k for k in (18, 20, 22, 24, 26)]
    found = [of_filter("--samples", str(n)) for n in samples]
    best = next(iter(found[0])).split(",")[0]
    yield "Samples of cs16, 1,024 taps", "samples", samples, {
        "memory to memory": [rate(f, best, "memory to memory") for f in found],
        "memory to power": [rate(f, best, "memory to power") for f in found],
    }

    samples = [1 << 18, 1 << 22, 1 << 26, 1 << 28, 2_500_000_000]
    found = [cases(program, seconds, "pipeline", "--samples", str(n), "--threads", "1") for n in samples]
    yield "Recording of cs16 to detections, one core", "samples", samples, {
        "mapped": [rate(f, ", mapped,", "one thread") for f in found],
        "read": [rate(f, ", read,", "one thread") for f in found],
    }

    channels = [1, 2, 4, 8, 16]
    found = [cases(program, seconds, "pulse-doppler", "--channels", str(n)) for n in channels]
    yield "Pulse-Doppler, all channels together", "channels", channels, {
        "chain": [rate(f, "chain") for f in found],
        "compression": [rate(f, "compression alone") for f in found],
    }

    cores = len(os.sched_getaffinity(0))
    found = cases(program, seconds, "pipeline", "--threads", str(cores))
    workers = list(range(1, cores + 1))
    yield "Recording to detections", "workers", workers, {
        "burst chain": [rate(found, "mapped", f"{n} workers") for n in workers]
    }


def table(title, axis, sizes, curves):
    lines = [f"**{title}**, MS/s", "", f"| {axis} | {' | '.join(curves)} |", "|---" * (1 + len(curves)) + "|"]
    for k, size in enumerate(sizes):
        cells = " | ".join(f"{r[k][0]:.1f} ({r[k][1]:.0f}–{r[k][2]:.0f})" for r in curves.values())
        lines.append(f"| {size:,} | {cells} |")
    return "\n".join(lines) + "\n"


def label(size):
    if size < 1 << 18:
        return f"{size:,}"
    return f"{size / 1e9:.2g} G" if size % 1000 == 0 else f"{size / (1 << 20):g} Mi"


def draw(axes, title, axis, sizes, curves):
    for name, rates in curves.items():
        middle = [r[0] for r in rates]
        around = [[r[0] - r[1] for r in rates], [r[2] - r[0] for r in rates]]
        axes.errorbar(sizes, middle, around, marker="o", markersize=4, linewidth=1.2, capsize=2, label=name)
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(axis)
    axes.set_ylabel("MS/s")
    axes.set_ylim(bottom=0)
    if sizes[-1] > 2 * len(sizes):
        axes.set_xscale("log", base=2)
    axes.set_xticks(sizes)
    axes.set_xticklabels([label(s) for s in sizes], fontsize=8)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)


def main():
    program, seconds, out = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "")
    text = f"`scripts/bench-scaling {seconds}`, {datetime.date.today()}, {cpu}; medians (slowest–fastest round).\n\n"
    figure, all_axes = plt.subplots(3, 2, figsize=(11, 11), layout="constrained")
    for axes, (title, axis, sizes, curves) in zip(all_axes.flat, measure(program, seconds)):
        text += table(title, axis, sizes, curves) + "\n"
        draw(axes, title, axis, sizes, curves)
    figure.savefig(out / "scaling.png", dpi=110)
    (out / "scaling-table.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
