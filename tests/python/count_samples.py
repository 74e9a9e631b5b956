"""Opens recordings with the packages of the field. Arguments: "PATH N", a recording and how many samples it has."""

import pathlib
import sys

import digital_rf
import sigmf

for argument in sys.argv[1:]:
    path, expected = argument.rsplit(" ", 1)
    if pathlib.Path(path).is_dir():
        reader = digital_rf.DigitalRFReader(path)
        channel = reader.get_channels()[0]
        first, last = reader.get_bounds(channel)
        found = sum(reader.get_continuous_blocks(first, last, channel).values())
    else:
        recording = sigmf.fromfile(path, skip_checksum=True)
        found = len(recording.read_samples(0, -1))
    assert found == int(expected), f"{path}: {found} samples, expected {expected}"
