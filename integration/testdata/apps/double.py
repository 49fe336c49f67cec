"""Doubles a number."""

import os

import pyudf as pu

app = pu.App(os.environ["APP"])


@app.udf(app.topic(os.environ["IN"]), to=os.environ["OUT"], column="y")
def double(x: float) -> float:
    return x * 2
