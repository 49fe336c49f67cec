"""Writes down each call, and then keeps Python's lock for some seconds, or never returns."""

import ctypes
import os
import threading

import pyudf as pu

app = pu.App(os.environ["APP"])


@app.udf(app.topic(os.environ["IN"]), to=os.environ["OUT"], column="y")
def stuck(x: float, seconds: int = 0) -> float:
    with open(os.environ["CALLS"], "a", encoding="utf-8") as calls:
        calls.write(f"{x:g}\n")
    if seconds:
        ctypes.PyDLL(None).sleep(seconds)
    else:
        threading.Event().wait()
    return x
