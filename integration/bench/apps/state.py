"""Ours: a window of a day for each station, all of them open at once."""

import os

import pyudf as pu

app = pu.App("bench-state")
weather = app.topic(os.environ.get("IN", "stations"), key="station", time="ts")
windows = weather.window(pu.tumbling("1d"))
windows.agg(n=pu.count(), mean=pu.mean("temp_f")).to(os.environ.get("OUT", "state"))
