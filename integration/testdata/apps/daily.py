"""The temperature of each station by days and over the last 24 hours, in Celsius."""

import os

import pyudf as pu

app = pu.App(os.environ["APP"])
out = os.environ["OUT"]
time = pu.event_time("time", out_of_order=os.environ.get("OUT_OF_ORDER", "0s"))
weather = app.topic(os.environ["IN"], key="station", time=time)


def celsius(temp_f: float) -> float:
    return (temp_f - 32) / 1.8


in_celsius = weather.with_columns(temp_c=celsius)
in_celsius.window(pu.tumbling("1d")).agg(
    n=pu.count(),
    mean=pu.mean("temp_c"),
    min=pu.min("temp_c"),
    max=pu.max("temp_c"),
    std=pu.std("temp_c"),
).to(out)
in_celsius.window(pu.sliding("24h")).agg(mean=pu.mean("temp_c")).to(out + "-sliding")
