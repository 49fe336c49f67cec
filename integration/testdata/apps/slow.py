"""Doubles a number, slowly, and writes down each call."""

import os
import time

import pyudf as pu

app = pu.App(os.environ["APP"])


@app.udf(app.topic(os.environ["IN"]), to=os.environ["OUT"], column="y")
def double(x: float) -> float:
    with open(os.environ["CALLS"], "a", encoding="utf-8") as calls:
        calls.write(f"{x:g}\n")
    time.sleep(0.002)
    return x * 2
