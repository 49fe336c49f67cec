"""Counts in windows, by sensor and by region, in several versions.

Version 0 has no windows. Version 2 has another function than 1, and steps more that keep
nothing. EXTRA is another topic to read.
"""

import os

import pyudf as pu

app = pu.App(os.environ["APP"])
out, number = os.environ["OUT"], int(os.environ["VERSION"])
second = number == 2
when = pu.event_time("ts", unit="ms", out_of_order="0s", idle="1m")


def version(n: int) -> int:
    return number


events = app.topic(os.environ["IN"], key="k", time=when)
if second:
    events = events.where(pu.col("n") >= 0)
marked = events.with_columns(version=version)
marked.to(out)
if second:
    marked.select("k", "n").to(out + "-copy")
if number:
    marked.window(pu.tumbling("10ms")).agg(n=pu.count(), total=pu.sum("n")).to(out + "-windows")
    regions = marked.key_by("region")
    if second:
        regions = regions.where(pu.col("n") >= 0)
    regions.window(pu.tumbling("10ms")).agg(n=pu.count(), version=pu.max("version")).to(
        out + "-regions"
    )
if os.environ.get("EXTRA"):
    app.topic(os.environ["EXTRA"]).to(out + "-extra")
