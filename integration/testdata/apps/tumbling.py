"""Counts and sums by key in windows of 10 ms, on time or up to GRACE late."""

import os

import pyudf as pu

app = pu.App(os.environ["APP"])
time = pu.event_time("ts", unit="ms", idle=None)
events = app.topic(os.environ["IN"], key="k", time=time)
window = pu.tumbling("10ms", grace=os.environ.get("GRACE", "0ms"))
events.window(window).agg(n=pu.count(), total=pu.sum("v")).to(os.environ["OUT"])
