"""Ours: count and mean of each station in windows of 10 s."""

import os

import pyudf as pu

app = pu.App("bench-win")
weather = app.topic(os.environ.get("IN", "weather"), key="station", time="ts")
windows = weather.window(pu.tumbling("10s"))
windows.agg(n=pu.count(), mean=pu.mean("temp_f")).to(os.environ.get("OUT", "win"))
