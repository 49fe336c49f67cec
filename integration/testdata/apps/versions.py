"""Counts in windows, by sensor and by region, in two versions.

The second has another function, steps more that keep nothing, and another window where MORE is set.
"""

import os

import pyudf as pu

app = pu.App(os.environ["APP"])
out, second = os.environ["OUT"], os.environ["VERSION"] == "2"
when = pu.event_time("ts", unit="ms", out_of_order="0s", idle="1m")


def version(n: int) -> int:
    return 2 if second else 1


events = app.topic(os.environ["IN"], key="k", time=when)
if second:
    events = events.where(pu.col("n") >= 0)
marked = events.with_columns(version=version)
marked.to(out)
if second:
    marked.select("k", "n").to(out + "-copy")
marked.window(pu.tumbling("10ms")).agg(n=pu.count(), total=pu.sum("n")).to(out + "-windows")
regions = marked.key_by("region")
if second:
    regions = regions.where(pu.col("n") >= 0)
regions.window(pu.tumbling("10ms")).agg(n=pu.count(), version=pu.max("version")).to(
    out + "-regions"
)
if os.environ.get("MORE"):
    marked.window(pu.tumbling("1s")).agg(n=pu.count()).to(out + "-more")
