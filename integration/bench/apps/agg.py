"""Ours: a spread by a class of the user's, of each station in windows of 10 s."""

import os

import pyudf as pu

from spread import Spread

app = pu.App("bench-agg")
weather = app.topic(os.environ.get("IN", "weather"), key="station", time="ts")
windows = weather.window(pu.tumbling("10s"))
windows.agg(n=pu.count(), spread=Spread()).to(os.environ.get("OUT", "agg"))
