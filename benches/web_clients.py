"""What onlookers cost a radar: the same run with nobody and with N live views, one after the other, medians of each.

Clients here read bytes and look at none of them: what is measured is the radar and its server.
"""

import argparse
import base64
import json
import os
import pathlib
import selectors
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

VIEWS = ["range_doppler", "range_time", "a_scope", "spectrum"]


def text_frame(message: dict) -> bytes:
    """A text frame, masked with zeros (RFC 6455, 5.2)."""
    body = json.dumps(message).encode()
    head = bytes([0x81, 0x80 | len(body)]) if len(body) < 126 else b"\x81" + struct.pack(">BH", 0x80 | 126, len(body))
    return head + bytes(4) + body


def client(port: int) -> socket.socket:
    """A live view that wants everything."""
    stream = socket.create_connection(("127.0.0.1", port))
    key = base64.b64encode(os.urandom(16)).decode()
    stream.sendall(
        f"GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    head = b""
    while b"\r\n\r\n" not in head:
        part = stream.recv(4096)
        if not part:
            raise ConnectionError(head.decode())
        head += part
    if b" 101 " not in head.split(b"\r\n")[0]:
        raise ConnectionError(head.decode())
    stream.sendall(text_frame({"type": "subscribe", "views": VIEWS, "max_rows": 256, "max_cols": 1024, "max_fps": 30}))
    stream.setblocking(False)
    return stream


def measure(program: str, config: str, recording: str, repeat: int, n_clients: int, speed: str) -> dict:
    """One run; its report, with the bytes that clients got."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out"
        repeated = pathlib.Path(folder) / "config.toml"
        repeated.write_text(f"[source]\nloop = {repeat}\n\n{pathlib.Path(config).read_text()}")
        command = [program, "run", str(repeated), "--source", recording, "--speed", speed, "--no-plots"]
        command += ["--out", str(out), "--serve", "127.0.0.1:0"]
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        port = None
        for line in child.stderr:
            if "live view is at" in line:
                port = int(line.rstrip("/\n").rsplit(":", 1)[1])
                break
        if port is None:
            sys.exit(f"the run ended with {child.wait()}")
        chooser = selectors.DefaultSelector()
        streams = [client(port) for _ in range(n_clients)]
        for stream in streams:
            chooser.register(stream, selectors.EVENT_READ)
        received, open_streams, said = 0, len(streams), time.monotonic()
        room = bytearray(1 << 20)
        while child.poll() is None:
            if not open_streams:
                time.sleep(0.02)
                continue
            for key, _ in chooser.select(timeout=0.1):
                try:
                    n = key.fileobj.recv_into(room)
                except (BlockingIOError, ConnectionError) as error:
                    n = 0 if isinstance(error, ConnectionError) else -1
                if n == 0:
                    chooser.unregister(key.fileobj)
                    open_streams -= 1
                received += max(n, 0)
            if time.monotonic() - said > 5:
                said = time.monotonic()
                for key in list(chooser.get_map().values()):
                    try:
                        key.fileobj.send(text_frame({"type": "ping", "n": 1}))
                    except OSError:
                        pass
        rest = child.stderr.read()
        if child.returncode not in (0, 1):
            sys.exit(f"the run ended with {child.returncode}: {rest}")
        report = json.loads((out / "run.json").read_text())
        report["received_bytes"] = received
        return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("config")
    parser.add_argument("recording")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--repeat", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--speed", default="max", help="max, or a factor of real time")
    args = parser.parse_args()
    ratios, costs = [], []
    print(f"{'round':>5} {'MS/s alone':>12} {'watched':>9} {'ratio':>7} {'CPU s':>7} {'watched':>8} {'MB/s sent':>10} {'lost':>5} {'views dropped':>14}")
    for number in range(args.rounds):
        # Each round in the other order: what the machine does meanwhile falls on both.
        order = [0, args.clients] if number % 2 == 0 else [args.clients, 0]
        runs = {n: measure(args.program, args.config, args.recording, args.repeat, n, args.speed) for n in order}
        alone, watched = runs[0], runs[args.clients]
        ratio = watched["msamples_per_s"] / alone["msamples_per_s"]
        ratios.append(ratio)
        costs.append(watched["processor_s"] / alone["processor_s"])
        rate = watched["received_bytes"] / 1e6 / watched["elapsed_s"]
        same = watched["detections"] == alone["detections"]
        print(
            f"{number + 1:>5} {alone['msamples_per_s']:>12.1f} {watched['msamples_per_s']:>9.1f} {ratio:>7.3f}"
            f" {alone['processor_s']:>7.2f} {watched['processor_s']:>8.2f} {rate:>10.1f}"
            f" {watched['samples_lost']:>5} {watched['tap_drops'].get('web', 0):>14}" + ("" if same else "  other detections!"),
            flush=True,
        )
    print(
        f"with {args.clients} live views: throughput × {statistics.median(ratios):.3f} (median of {len(ratios)}; "
        f"{min(ratios):.3f} to {max(ratios):.3f}), processor time × {statistics.median(costs):.3f}"
    )


main()
