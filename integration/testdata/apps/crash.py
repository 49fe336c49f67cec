"""Readings of sensors: windows, stages behind hops, and a function with states and a timer."""

import os
from typing import Any

import pyudf as pu

app = pu.App(os.environ["APP"])
out = os.environ["OUT"]
when = pu.event_time("ts", unit="ms", out_of_order="200ms", idle=None)


def silent(key: str, at: int, count: pu.State[int]) -> dict[str, Any]:
    """Say how many readings there were, and begin anew."""
    counted = count.get(0)
    count.set(0)
    return {"sensor": key, "silent": at, "counted": counted}


def nth(
    row: dict[str, Any],
    count: pu.State[int] = pu.state(default=0),
    total: pu.State[int] = pu.state(default=0),
    alarm: pu.Timer = pu.timer(silent),
) -> dict[str, Any]:
    """Count the readings since the sensor was silent, and add up all of them."""
    if row["v"] == 13:
        raise ValueError("13 is not lucky")
    count.set(count.get(0) + 1)
    total.set(total.get(0) + row["v"])
    alarm.set(row["ts"] + 2000)
    return {"sensor": row["sensor"], "ts": row["ts"], "nth": count.value, "total": total.value}


readings = app.topic(os.environ["IN"], key="sensor", time=when)
readings.window(pu.tumbling("5s")).agg(n=pu.count(), total=pu.sum("v")).to(out + "-sensors")
timely = readings.where(pu.col("stray").is_null())
timely.map(nth).to(out + "-counts")
timely.key_by("region").window(pu.tumbling("1s")).agg(n=pu.count(), total=pu.sum("v")).to(
    out + "-regions"
)
timely.key_by("region").window(pu.session("300ms")).agg(n=pu.count(), total=pu.sum("v")).to(
    out + "-sessions"
)
