"""Readings of sensors by region: partial results travel to one window, records to the other.

IN is a topic, or a file if it has a slash.
"""

import os
import time

import pyudf as pu

app = pu.App(os.environ["APP"])
source, out = os.environ["IN"], os.environ["OUT"]
bound, idle = os.environ["OUT_OF_ORDER"], os.environ["IDLE"]
when = pu.event_time("ts", unit="ms", out_of_order=bound, idle=idle)


def patient(v: int, wait_ms: int = 0) -> int:
    time.sleep(wait_ms / 1000)
    return v


place = app.file if "/" in source else app.topic
readings = place(source, key="sensor", time=when).with_columns(v=patient)
readings.key_by("region").window(pu.tumbling("1s")).agg(
    n=pu.count(), total=pu.sum("v"), mean=pu.mean("v")
).to(out)
readings.key_by("region").window(pu.session("300ms")).agg(n=pu.count(), total=pu.sum("v")).to(
    out + "-sessions"
)
