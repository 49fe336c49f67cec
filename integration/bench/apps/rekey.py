"""Ours: the same of each region, which takes a hop."""

import os

import pyudf as pu

app = pu.App("bench-rekey")
weather = app.topic(os.environ.get("IN", "weather"), key="station", time="ts")
windows = weather.key_by("region").window(pu.tumbling("10s"))
windows.agg(n=pu.count(), mean=pu.mean("temp_f")).to(os.environ.get("OUT", "rekey"))
