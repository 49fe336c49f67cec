"""Keys that are finer than the partitions', and one that is not."""

import os

import pyudf as pu

app = pu.App(os.environ["APP"])
readings = app.topic(os.environ["IN"], key="sensor", time="ts")
day = pu.tumbling("1d")
readings.key_by("sensor", "region").window(day).agg(n=pu.count()).to(os.environ["OUT"])
readings.key_by("region").window(day).agg(n=pu.count()).to(os.environ["OUT"] + "-regions")
