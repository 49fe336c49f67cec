"""Loads only where there is a file with a factor."""

import os

import pyudf as pu

app = pu.App(os.environ["APP"])
with open(os.environ["FACTOR"], encoding="utf-8") as file:
    factor = float(file.read())


@app.udf(app.topic(os.environ["IN"]), to=os.environ["OUT"], column="y")
def scale(x: float) -> float:
    return x * factor
