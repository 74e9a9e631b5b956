"""The same detections through Stone Soup and through Rangegate's tracker.

A radar at the origin measures azimuth, range and range rate of targets in the plane. Both trackers are told the same:
accuracies, probability of detection, density of false detections. Stone Soup's process noise, patience and number of
detections to begin were tuned for each scene (`--tune` does it again, on detections that the comparison does not use);
Rangegate runs with its defaults. Both are judged by Stone Soup's own GOSPA, and Rangegate's own is held against it.
"""

import argparse
import datetime
import itertools
import json
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from scipy.stats import t as student
from stonesoup.base import Property
from stonesoup.dataassociator.neighbour import GNNWith2DAssignment
from stonesoup.dataassociator.probability import JPDAwithEHM2
from stonesoup.deleter.error import CovarianceBasedDeleter
from stonesoup.deleter.multi import CompositeDeleter
from stonesoup.deleter.time import UpdateTimeStepsDeleter
from stonesoup.hypothesiser.probability import PDAHypothesiser
from stonesoup.initiator.base import GaussianInitiator
from stonesoup.initiator.simple import MultiMeasurementInitiator
from stonesoup.measures import Euclidean
from stonesoup.metricgenerator.ospametric import GOSPAMetric
from stonesoup.models.measurement.nonlinear import CartesianToBearingRangeRate2D
from stonesoup.models.transition.linear import CombinedLinearGaussianTransitionModel, ConstantVelocity
from stonesoup.predictor.kalman import ExtendedKalmanPredictor
from stonesoup.tracker.simple import MultiTargetMixtureTracker, MultiTargetTracker
from stonesoup.types.detection import Detection, MissedDetection
from stonesoup.types.hypothesis import SingleHypothesis, SingleProbabilityHypothesis
from stonesoup.types.multihypothesis import MultipleHypothesis
from stonesoup.types.numeric import Probability
from stonesoup.types.state import GaussianState, State
from stonesoup.types.track import Track
from stonesoup.types.update import GaussianStateUpdate
from stonesoup.updater.kalman import ExtendedKalmanUpdater

warnings.filterwarnings("ignore")

RANGE_MAX_M = 20e3
RATE_MAX_MPS = 300.0
SIGMA_RANGE_M, SIGMA_RATE_MPS, SIGMA_AZIMUTH_DEG = 15.0, 1.0, 0.3
SPEED_MAX_MPS = 300.0
CUTOFF_M, ORDER = 500.0, 2
EPOCH = datetime.datetime(2026, 1, 1)
CACHE = Path("stonesoup-cache")

# name: targets, kind, Pd, false detections per scan, scans, sets of detections, of these also through Stone Soup's JPDA
SCENES = {
    "one": (1, "straight", 0.9, 10, 60, 10, 2),
    "one-dim": (1, "straight", 0.7, 100, 60, 8, 1),
    "ten": (10, "straight", 0.9, 20, 50, 10, 2),
    "ten-clean": (10, "straight", 0.95, 0, 50, 20, 5),
    "ten-crossing": (10, "crossing", 0.8, 20, 50, 10, 1),
    "ten-manoeuvring": (10, "manoeuvring", 0.7, 50, 50, 8, 1),
    "fifty": (50, "straight", 0.9, 100, 30, 6, 1),
    "fifty-crossing": (50, "crossing", 0.8, 50, 30, 10, 1),
    "fifty-manoeuvring": (50, "manoeuvring", 0.9, 20, 30, 10, 1),
    "two-hundred": (200, "manoeuvring", 0.9, 100, 20, 4, 1),
}
# Sets of detections: the first of those that are compared, and those on which Stone Soup was tuned.
FIRST_SEED = 100
TUNING_SEEDS = {name: range(10_000, 10_001 if name == "two-hundred" else 10_003) for name in SCENES}

# What --tune found best for each scene: (q in m²/s³, scans without update until deletion, detections to begin).
TUNED = {
    "one": (0.1, 3, 2),  # 28.9 m, the worst of the grid 35.8
    "one-dim": (0.1, 3, 3),
    "ten": (0.1, 3, 2),  # 130.2 to 144.2
    "ten-clean": (0.3, 3, 2),  # 115.0 to 144.0
    "ten-crossing": (3.0, 6, 2),  # 131.1 to 212.7
    "ten-manoeuvring": (80.0, 6, 3),  # 311.9 to 570.0
    "fifty": (3.0, 3, 3),
    "fifty-crossing": (3.0, 6, 2),  # 510.9 to 829.3
    "fifty-manoeuvring": (80.0, 3, 2),  # 490.6 to 780.2
    "two-hundred": (80.0, 3, 3),  # not tuned on its own: as fifty-manoeuvring and fifty
}


def truth(kind, n_targets, n_scans, rng):
    """States [n_scans × n_targets × (x, vx, y, vy)]."""
    states = np.empty((n_scans, n_targets, 4))
    for target in range(n_targets):
        speed = rng.uniform(50, 250)
        if kind == "crossing":
            # All pass near one of a few places, in pairs and at about the same time.
            place = np.random.default_rng(1000 + target // 2).uniform(-8e3, 8e3, 2)
            when = 0.5 * n_scans + rng.normal(0, 0.5)
            heading = rng.uniform(0, 2 * np.pi)
            velocity = speed * np.array([np.cos(heading), np.sin(heading)])
            position = place + rng.normal(0, 20, 2) - velocity * when
        else:
            radius, angle = RANGE_MAX_M * 0.8 * np.sqrt(rng.uniform(0.02, 1)), rng.uniform(0, 2 * np.pi)
            position = radius * np.array([np.cos(angle), np.sin(angle)])
            heading = rng.uniform(0, 2 * np.pi)
            velocity = speed * np.array([np.cos(heading), np.sin(heading)])
        rate, left = 0.0, 0
        for scan in range(n_scans):
            states[scan, target] = position[0], velocity[0], position[1], velocity[1]
            if kind == "manoeuvring":
                if left == 0:
                    # Straight on, or a turn of 1 to 3 g… as far as the speed allows.
                    left = rng.integers(6, 15)
                    rate = 0.0 if rate or rng.random() < 0.4 else rng.choice([-1, 1]) * rng.uniform(5, 20) / speed
                left -= 1
                c, s = np.cos(rate), np.sin(rate)
                turned = np.array([[c, -s], [s, c]]) @ velocity
                position = position + 0.5 * (velocity + turned)
                velocity = turned
            else:
                position = position + velocity
                velocity = velocity + rng.normal(0, 0.3, 2)
    return states


def detections(states, p_detect, n_false, rng):
    """For each scan an array [n × (bearing, range, rate)], shuffled."""
    scans = []
    for targets in states:
        x, vx, y, vy = targets.T
        distance = np.hypot(x, y)
        seen = np.stack([np.arctan2(y, x), distance, (x * vx + y * vy) / distance], 1)
        seen += rng.normal(size=seen.shape) * [np.radians(SIGMA_AZIMUTH_DEG), SIGMA_RANGE_M, SIGMA_RATE_MPS]
        seen = seen[rng.random(len(seen)) < p_detect]
        n = rng.poisson(n_false)
        false = np.stack(
            [
                rng.uniform(-np.pi, np.pi, n),
                rng.uniform(0, RANGE_MAX_M, n),
                rng.uniform(-RATE_MAX_MPS, RATE_MAX_MPS, n),
            ],
            1,
        )
        scan = np.concatenate([seen, false])
        rng.shuffle(scan)
        scan[:, 1] = np.abs(scan[:, 1])
        scans.append(scan)
    return scans


class Pregated(PDAHypothesiser):
    """Hands only what is near in range and range rate to Stone Soup's hypothesiser: the same result, sooner."""

    def hypothesise(self, track, detections, timestamp, **kwargs):
        detections = list(detections)
        if detections:
            prediction = self.predictor.predict(track, timestamp=timestamp, **kwargs)
            expected = self.updater.predict_measurement(prediction, detections[0].measurement_model, **kwargs)
            seen = np.array([detection.state_vector[1:, 0].astype(float) for detection in detections])
            offset = np.abs(seen - np.ravel(expected.state_vector)[1:].astype(float))
            bound = np.sqrt(self._gate_threshold(self.prob_gate, 3) * np.diag(expected.covar)[1:])
            detections = [detections[at] for at in np.flatnonzero((offset <= bound).all(1))]
        if not detections:
            prediction = self.predictor.predict(track, timestamp=timestamp, **kwargs)
            missed = SingleProbabilityHypothesis(
                prediction, MissedDetection(timestamp=timestamp), Probability(1 - self.prob_detect * self.prob_gate)
            )
            return MultipleHypothesis([missed], normalise=self.normalise)
        return super().hypothesise(track, detections, timestamp, **kwargs)


class RadialInitiator(GaussianInitiator):
    """One detection: position from range and bearing, velocity along the line of sight, across it unknown."""

    model: CartesianToBearingRangeRate2D = Property()

    def initiate(self, detections, timestamp, **kwargs):
        tracks = set()
        for detection in detections:
            bearing, distance, rate = (float(v) for v in detection.state_vector[:, 0])
            unit = np.array([np.cos(bearing), np.sin(bearing)])
            turn = np.array([unit, [-unit[1], unit[0]]]).T
            across = SPEED_MAX_MPS / np.sqrt(3)
            position = turn @ np.diag([SIGMA_RANGE_M**2, (distance * np.radians(SIGMA_AZIMUTH_DEG)) ** 2]) @ turn.T
            along = np.hypot(SIGMA_RATE_MPS, across * np.radians(SIGMA_AZIMUTH_DEG))
            velocity = turn @ np.diag([along**2, across**2]) @ turn.T
            covariance = np.zeros((4, 4))
            covariance[np.ix_([0, 2], [0, 2])] = position
            covariance[np.ix_([1, 3], [1, 3])] = velocity
            mean = [distance * unit[0], rate * unit[0], distance * unit[1], rate * unit[1]]
            state = GaussianState(np.array(mean)[:, None], covariance, timestamp=timestamp)
            tracks.add(
                Track(
                    [
                        GaussianStateUpdate(
                            state.state_vector,
                            state.covar,
                            timestamp=timestamp,
                            hypothesis=SingleHypothesis(prediction=state, measurement=detection),
                        )
                    ]
                )
            )
        return tracks


def stonesoup(method, scans, p_detect, n_false, parameters):
    """Position and velocity of the tracks at each scan, seconds a scan."""
    q, patience, n_begin = parameters
    model = CartesianToBearingRangeRate2D(
        4, (0, 2), np.diag([np.radians(SIGMA_AZIMUTH_DEG) ** 2, SIGMA_RANGE_M**2, SIGMA_RATE_MPS**2]), velocity_mapping=(1, 3)
    )
    predictor = ExtendedKalmanPredictor(CombinedLinearGaussianTransitionModel([ConstantVelocity(q)] * 2))
    updater = ExtendedKalmanUpdater(model)
    density = max(n_false, 0.1) / (2 * np.pi * RANGE_MAX_M * 2 * RATE_MAX_MPS)
    hypothesiser = Pregated(predictor, updater, density, p_detect, prob_gate=0.9999)
    assignment = GNNWith2DAssignment(hypothesiser)
    initiator = MultiMeasurementInitiator(
        GaussianState(np.zeros((4, 1)), np.eye(4)), UpdateTimeStepsDeleter(2), assignment, updater,
        min_points=n_begin, initiator=RadialInitiator(model=model),
    )
    if method == "gnn":
        associator, kind = assignment, MultiTargetTracker
        deleter = UpdateTimeStepsDeleter(patience)
    else:
        associator, kind = JPDAwithEHM2(hypothesiser), MultiTargetMixtureTracker
        deleter = CompositeDeleter(
            [UpdateTimeStepsDeleter(patience), CovarianceBasedDeleter(600.0**2, mapping=[0, 2])], intersect=False
        )

    def source():
        for index, scan in enumerate(scans):
            at = EPOCH + datetime.timedelta(seconds=index)
            yield at, {Detection(row[:, None], timestamp=at, measurement_model=model) for row in scan}

    tracker = kind(initiator, deleter, source(), associator, updater)
    found, began = [], time.process_time()
    for at, tracks in tracker:
        found.append([np.ravel(track.state_vector).astype(float) for track in tracks if track.timestamp == at])
    return found, (time.process_time() - began) / len(scans)


def rangegate(method, scans, p_detect, n_false, states, binary):
    """The same of Rangegate, and its own mean GOSPA."""
    scene = {
        "tracking": {
            "space": "plane",
            "associator": method,
            "stations": [
                {
                    "accuracy": {
                        "range_m": SIGMA_RANGE_M,
                        "range_rate_mps": SIGMA_RATE_MPS,
                        "azimuth_deg": SIGMA_AZIMUTH_DEG,
                    },
                    "detection_probability": p_detect,
                    "false_per_scan": max(n_false, 0.1),
                    "range_m": [0, RANGE_MAX_M],
                    "range_rate_mps": [-RATE_MAX_MPS, RATE_MAX_MPS],
                }
            ],
            "initiation": {"speed_max_mps": SPEED_MAX_MPS},
            **OPTIONS,
        },
        "scans": [
            {
                "time_s": float(index),
                "detections": [
                    {
                        "id": number,
                        "range_m": float(row[1]),
                        "range_rate_mps": float(row[2]),
                        "azimuth_deg": float(90 - np.degrees(row[0])),
                    }
                    for number, row in enumerate(scan)
                ],
                "truth": truth[:, [0, 2]].tolist(),
            }
            for index, (scan, truth) in enumerate(zip(scans, states))
        ],
    }
    with tempfile.TemporaryDirectory() as directory:
        scene_path, tracks_path = Path(directory, "scene.json"), Path(directory, "tracks.jsonl")
        scene_path.write_text(json.dumps(scene))
        output = subprocess.run([binary, scene_path, tracks_path], check=True, capture_output=True, text=True).stdout
        states = [[] for _ in scans]
        for line in tracks_path.read_text().splitlines():
            track = json.loads(line)
            east, north, ve, vn = track["state"][:4]
            states[round(track["time_s"])].append(np.array([east, ve, north, vn]))
    took_s, _, own = map(float, output.split())
    return states, took_s, own


# Goes over Rangegate's defaults: `--options`, for trials.
OPTIONS = {}


def gospa(tracks, truths):
    """Mean over the scans of distance, and of the numbers of missed and false."""
    metric = GOSPAMetric(p=ORDER, c=CUTOFF_M, measure=Euclidean((0, 2)))
    each = CUTOFF_M**ORDER / 2
    values = []
    for index, (found, true) in enumerate(zip(tracks, truths)):
        at = EPOCH + datetime.timedelta(seconds=index)
        states = [[State(v[:, None], timestamp=at) for v in vectors] for vectors in (found, true)]
        value = metric.compute_gospa_metric(*states)[0].value
        values.append([value["distance"], value["localisation"], value["missed"] / each, value["false"] / each])
    return np.mean(values, 0)


def make(name, seed):
    n_targets, kind, p_detect, n_false, n_scans, *_ = SCENES[name]
    rng = np.random.default_rng([seed, n_targets, n_false, int(100 * p_detect)])
    states = truth(kind, n_targets, n_scans, rng)
    return states, detections(states, p_detect, n_false, rng)


def cached(name, seed, method, parameters):
    """What Stone Soup makes of a set of detections: states and seconds a scan, from the cache where it was made before."""
    _, _, p_detect, n_false, *_ = SCENES[name]
    path = CACHE / f"{name}-{seed}-{method}-{'-'.join(map(str, parameters))}.json"
    if not path.exists():
        states, took_s = stonesoup(method, make(name, seed)[1], p_detect, n_false, parameters)
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = [[state.tolist() for state in scan] for scan in states]
        path.write_text(json.dumps({"states": whole, "took_s": took_s}))
    saved = json.loads(path.read_text())
    return [[np.array(state) for state in scan] for scan in saved["states"]], saved["took_s"]


def tune(names):
    """Prints the best parameters for each scene, one parameter after the other, on detections that nothing else uses."""
    for name in names:
        manoeuvring = SCENES[name][1] == "manoeuvring"
        ways = [[10.0, 20.0, 40.0, 80.0] if manoeuvring else [0.1, 0.3, 1.0, 3.0], [3, 6], [2, 3]]
        scores = {}

        def score(parameters):
            if parameters not in scores:
                means = [gospa(cached(name, seed, "gnn", parameters)[0], make(name, seed)[0])[0] for seed in TUNING_SEEDS[name]]
                scores[parameters] = float(np.mean(means))
            return scores[parameters]

        best = (40.0 if manoeuvring else 0.3, 3, 2)
        for at in (2, 0, 1):
            tried = [best[:at] + (value,) + best[at + 1 :] for value in ways[at]]
            best = min(tried, key=score)
        print(f'    "{name}": {best},  # {scores[best]:.1f} of {min(scores.values()):.1f} to {max(scores.values()):.1f}', flush=True)


def interval(values):
    """Mean of paired differences and half its 95 % interval (Student)."""
    n = len(values)
    return np.mean(values), student.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n) if n > 1 else np.nan


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--cache", required=True, type=Path, help="folder for what Stone Soup made, which takes long")
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--only", nargs="*", default=list(SCENES))
    parser.add_argument("--seeds", type=int, default=0, help="sets of detections of each scene")
    parser.add_argument("--options", default="{}", help="JSON that goes over Rangegate's configuration")
    arguments = parser.parse_args()
    OPTIONS.update(json.loads(arguments.options))
    global CACHE
    CACHE = arguments.cache
    if arguments.tune:
        tune(arguments.only)
        return
    print("| scene | sets | tracker | GOSPA, m | localisation | missed | false | ms a scan | less than Stone Soup gnn by |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in arguments.only:
        _, _, p_detect, n_false, _, n_sets, n_jpda = SCENES[name]
        rows = {}
        for at in range(arguments.seeds or n_sets):
            states, scans = make(name, FIRST_SEED + at)
            for method in ("gnn", "jpda"):
                if method == "gnn" or at < n_jpda:
                    found, took_s = cached(name, FIRST_SEED + at, method, TUNED[name])
                    rows.setdefault(f"Stone Soup {method}", []).append([*gospa(found, states), took_s * 1e3])
                found, took_s, own = rangegate(method, scans, p_detect, n_false, states, arguments.binary)
                rows.setdefault(f"Rangegate {method}", []).append([*gospa(found, states), took_s * 1e3])
                if abs(own - rows[f"Rangegate {method}"][-1][0]) > 1e-6 * own:
                    raise SystemExit(f"{name}: Rangegate's own GOSPA is {own}, Stone Soup's of the same tracks {rows}")
        soup = np.array(rows["Stone Soup gnn"])[:, 0]
        for tracker in sorted(rows, reverse=True):
            each = np.array(rows[tracker])
            distance, localisation, missed, false, took_ms = np.mean(each, 0)
            less, half = interval(soup[: len(each)] - each[:, 0])
            by = "" if tracker == "Stone Soup gnn" else f"{less:.1f} ± {half:.1f}"
            print(
                f"| {name} | {len(each)} | {tracker} | {distance:.1f} | {np.sqrt(localisation):.1f} | {missed:.2f}"
                f" | {false:.2f} | {took_ms:.3f} | {by} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
