"""Does to its worker what the record says. Most of it is what no function should do."""

import ctypes
import os
import sys
import time

import pyudf as pu

app = pu.App(os.environ["APP"])


@app.udf(app.topic(os.environ["IN"]), to=os.environ["OUT"], column="y", timeout=1.0)
def act(x: float, do: str = "double") -> float:
    if do == "raise":
        raise ValueError(f"no {x:g} today")
    if do == "exit":
        os._exit(3)
    if do == "crash":
        ctypes.string_at(0)
    if do == "hang":
        while True:
            time.sleep(0.01)
    if do == "print":
        print("a" * 1_000_000)
        os.write(1, b"straight to stdout\n")
        print("the last words", file=sys.stderr)
    return {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}.get(do, x * 2)
