"""Ours: count and mean of each station's sessions."""

import os

import pyudf as pu

app = pu.App("bench-session")
weather = app.topic(os.environ.get("IN", "weather"), key="station", time="ts")
windows = weather.window(pu.session("5s"))
windows.agg(n=pu.count(), mean=pu.mean("temp_f")).to(os.environ.get("OUT", "session"))
