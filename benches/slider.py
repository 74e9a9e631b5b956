"""Asks a server of an archive what the page's slider asks: 200 random windows of every zoom.

    python3 slider.py URL [--windows N] [--archive DIR] [--out FILE]

With --archive the system forgets the archive's files before each question of the round that is called cold.
"""

import argparse
import http.client
import json
import os
import random
import time
import urllib.parse

ZOOMS = [("month", 30 * 86400), ("day", 86400), ("hour", 3600), ("10 minutes", 600), ("minute", 60)]
LIMIT_MS = 300


def forget(folder):
    """The files' pages leave the system's memory."""
    for root, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(root, name), "rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class Server:
    def __init__(self, url):
        self.host = urllib.parse.urlparse(url).netloc
        self.connection = http.client.HTTPConnection(self.host, timeout=60)

    def ask(self, path, **query):
        address = path + "?" + urllib.parse.urlencode(query)
        begun = time.perf_counter()
        self.connection.request("GET", address)
        answer = self.connection.getresponse()
        body = answer.read()
        took_ms = 1e3 * (time.perf_counter() - begun)
        if answer.status != 200:
            raise SystemExit(f"{address}: {answer.status} {body[:300]!r}")
        return json.loads(body), took_ms


def part(values, share):
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--windows", type=int, default=200)
    parser.add_argument("--archive")
    parser.add_argument("--out")
    args = parser.parse_args()
    server = Server(args.url)
    overview, _ = server.ask("/api/v1/timeline", bins=400)
    start, end = overview["start_s"], overview["end_s"]
    lines = [
        f"{sum(overview['counts'])} detections in {(end - start) / 86400:.1f} days; {args.windows} windows of each zoom",
        "",
        "| memory | zoom | question | p50, ms | p95, ms | max, ms | over 300 ms |",
        "|---|---|---|---|---|---|---|",
    ]
    worst = 0.0
    for memory in ["cold", "warm"] if args.archive else ["warm"]:
        dice = random.Random(1)
        for zoom, length in ZOOMS:
            took = {"density": [], "detections": [], "tracks": [], "all three": []}
            for _ in range(args.windows):
                # What is seen is as long as the zoom, the window in it a tenth to all of it.
                length_s = min(length, end - start)
                seen = dice.uniform(start, end - length_s)
                wide = length_s * 10 ** dice.uniform(-1, 0)
                at = seen + dice.uniform(0, length_s - wide)
                if memory == "cold":
                    forget(args.archive)
                window = {"from": at, "to": at + wide, "spread": "true"}
                counts, density_ms = server.ask("/api/v1/timeline", **{"from": seen, "to": seen + length_s, "bins": 400})
                assert len(counts["counts"]) <= 401
                rows, detections_ms = server.ask("/api/v1/detections", **window, limit=5000)
                assert len(rows["items"]) <= 5000 and all(at <= row["time_s"] < at + wide for row in rows["items"])
                if rows["more"]:
                    times = [row["time_s"] for row in rows["items"]]
                    assert len(times) > 2500 and max(times) - min(times) > 0.7 * wide, "rows of all of the window"
                _, tracks_ms = server.ask("/api/v1/tracks", **window, limit=2000)
                took["density"].append(density_ms)
                took["detections"].append(detections_ms)
                took["tracks"].append(tracks_ms)
                took["all three"].append(density_ms + detections_ms + tracks_ms)
            for question, values in took.items():
                over = sum(value > LIMIT_MS for value in values)
                lines.append(
                    f"| {memory} | {zoom} | {question} | {part(values, 0.5):.0f} | {part(values, 0.95):.0f} "
                    f"| {max(values):.0f} | {over} of {len(values)} |"
                )
                worst = max(worst, max(values))
            print("\n".join(lines[-len(took):]), flush=True)
    text = "\n".join(lines) + "\n"
    if args.out:
        with open(args.out, "w", encoding="utf-8") as file:
            file.write(text)
    print(f"worst: {worst:.0f} ms")


main()
