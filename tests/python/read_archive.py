"""Reads an archive's sealed detections with DuckDB, pandas and polars, and compares them with what `rangegate query
--json` printed: read_archive.py ARCHIVE EXPECTED.jsonl"""

import json
import math
import sys
import time

import duckdb
import pandas
import polars
import pyarrow
import pyarrow.dataset

archive, expected_path = sys.argv[1:3]
files = f"{archive}/kind=detections/**/*.parquet"
expected = [json.loads(line) for line in open(expected_path)]
first, last = expected[0]["time"], expected[-1]["time"]
to_ns = lambda text: pandas.Timestamp(text).as_unit("ns").value


def normal(row):
    """A row as a dictionary without what only this reader adds."""
    row = {name: value for name, value in row.items() if name not in ("kind", "date")}
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}


def by_duckdb():
    query = f"""SELECT * EXCLUDE (time), epoch_ns(time) AS time FROM read_parquet('{files}', hive_partitioning = true,
                hive_types_autocast = false) WHERE epoch_ns(time) BETWEEN {to_ns(first)} AND {to_ns(last)}
                ORDER BY time, run, number"""
    result = duckdb.sql(query)
    return [dict(zip(result.columns, row)) for row in result.fetchall()]


def by_polars():
    frame = polars.scan_parquet(files, hive_partitioning=True, try_parse_hive_dates=False)
    frame = frame.with_columns(polars.col("time").dt.epoch("ns"))
    frame = frame.filter(polars.col("time").is_between(to_ns(first), to_ns(last)))
    return frame.sort("time", "run", "number").collect().to_dicts()


def by_pandas():
    data = pyarrow.dataset.dataset(f"{archive}/kind=detections", partitioning="hive")
    nanoseconds = lambda text: pyarrow.scalar(to_ns(text), pyarrow.timestamp("ns", "UTC"))
    field = pyarrow.dataset.field("time")
    window = (field >= nanoseconds(first)) & (field <= nanoseconds(last))
    frame = data.to_table(filter=window).to_pandas(types_mapper=pandas.ArrowDtype)
    frame["time"] = frame["time"].map(lambda value: value.as_unit("ns").value)
    frame = frame.sort_values(["time", "run", "number"]).astype(object)
    return frame.where(frame.notna(), None).to_dict("records")


for row in expected:
    row["time"] = to_ns(row["time"])
for name, read in [("DuckDB", by_duckdb), ("polars", by_polars), ("pandas", by_pandas)]:
    begun = time.perf_counter()
    rows = [normal(row) for row in read()]
    took = time.perf_counter() - begun
    assert len(rows) == len(expected), f"{name}: {len(rows)} rows, expected {len(expected)}"
    for found, wanted in zip(rows, expected):
        assert found == wanted, f"{name}: {found}, expected {wanted}"
    print(f"{name}: {len(rows)} rows in {took:.2f} s, all as rangegate query prints them")
