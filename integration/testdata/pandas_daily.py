"""What pandas makes of the weather, as daily.py does: a JSON line a result.

pandas_daily.py CSV
"""

import json
import math
import sys
from typing import Any

import pandas as pd


def printed(value: Any) -> Any:
    """NaN as null."""
    return None if isinstance(value, float) and math.isnan(value) else value


weather = pd.read_csv(sys.argv[1], parse_dates=["time"])
weather["temp_c"] = (weather["temp_f"] - 32) / 1.8
start = weather["time"].dt.floor("1D").rename("start")
grouped = weather.groupby(["station", start])["temp_c"]
daily = grouped.agg(["mean", "min", "max", "std"]).assign(n=grouped.size())
for row in daily.reset_index().to_dict("records"):
    values = {name: printed(float(row[name])) for name in ("n", "mean", "min", "max", "std")}
    at = pd.Timestamp(row["start"]).value // 1_000_000
    print(json.dumps({"station": row["station"], "at": at, **values}))
for station, readings in weather.groupby("station"):
    by_time = readings.set_index("time").sort_index()
    sliding = by_time["temp_c"].rolling("24h", closed="both", min_periods=1)
    for time, mean in sliding.mean().items():
        at = pd.Timestamp(str(time)).value // 1_000_000
        print(json.dumps({"station": station, "at": at, "sliding": printed(float(mean))}))
