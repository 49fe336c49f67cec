"""Times app.replay on the map task beside a list comprehension, in one process, in turns.

Both get the same columns of a DataFrame; the replay has to give the same numbers, bit for bit. Then
the tasks for which records go through JSON, once each.
"""

import argparse
import pathlib
import statistics
import sys
import time
from typing import Any

import pandas as pd
import pyudf as pu
from pyudf.loading import load

EXAMPLE = pathlib.Path(__file__).parents[3] / "examples" / "weather"


def readings(records: int) -> pd.DataFrame:
    """The weather, over and over, as long as wanted; without hours that were not measured."""
    found = pd.read_csv(EXAMPLE / "nyc-weather-2013.csv").dropna(subset=["temp_f", "rh"])
    often = records // len(found) + 1
    return pd.concat([found] * often, ignore_index=True).iloc[:records].reset_index(drop=True)


def whole(row: dict[str, Any]) -> dict[str, Any]:
    """Make a record of a whole record."""
    return {"station": row["station"], "temp_c": (row["temp_f"] - 32) / 1.8}


def delta(temp_f: float, last: pu.State[float]) -> float:
    """Say how much warmer it is than the time before."""
    before = last.get(temp_f)
    last.set(temp_f)
    return temp_f - before


def through_json() -> dict[str, pu.App]:
    """Return the tasks that need whole records, by their names."""
    apps = {name: pu.App(name) for name in ("records", "windows", "state")}
    records, windows, state = (
        app.topic("weather", key="station", time="hour") for app in apps.values()
    )
    records.map(whole).to("out")
    daily = windows.window(pu.tumbling("1d"))
    daily.agg(n=pu.count(), mean=pu.mean("temp_f"), hottest=pu.max("temp_f")).to("out")
    state.with_columns(delta=delta).to("out")
    return apps


def main() -> None:
    """Measure, and print what came of it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--records", type=int, default=1_000_000)
    options.add_argument("--runs", type=int, default=3)
    asked = options.parse_args()
    frame = readings(asked.records)
    app = load(str(EXAMPLE / "heat.py"))
    (function,) = app.functions().values()
    heat_index = function.call
    loops: list[float] = []
    replays: list[float] = []
    for _ in range(asked.runs):
        began = time.perf_counter()
        expected = [heat_index(t, rh) for t, rh in zip(frame["temp_f"], frame["rh"], strict=True)]
        loops.append(time.perf_counter() - began)
        began = time.perf_counter()
        found = app.replay({"weather": frame})["heat"]["heat_index"]
        replays.append(time.perf_counter() - began)
        if found.tolist() != expected:
            sys.exit("the replay gave other numbers than the function")
    loop, replay = statistics.median(loops), statistics.median(replays)
    print(
        f"\nHeat index of {asked.records:,} readings in a notebook, medians of {asked.runs} runs:\n"
    )
    print(f"  list comprehension  {loop:.2f} s")
    print(
        f"  app.replay          {replay:.2f} s ({min(replays):.2f} - {max(replays):.2f}), budget 2"
    )
    print(f"  ratio               {replay / loop:.2f}, budget 1.5")
    hours = pd.date_range("2013-01-01", periods=len(frame), freq="20min")
    frame["hour"] = hours.strftime("%Y-%m-%dT%H:%M:%SZ")
    for name, app in through_json().items():
        took = app.replay({"weather": frame}).seconds
        print(f"  {name:<19} {took:.2f} s, once")


if __name__ == "__main__":
    main()
