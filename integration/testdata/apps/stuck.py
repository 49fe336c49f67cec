"""Never returns, and writes down each call."""

import os
import threading

import pyudf as pu

app = pu.App(os.environ["APP"])


@app.udf(app.topic(os.environ["IN"]), to=os.environ["OUT"], column="y")
def stuck(x: float) -> float:
    with open(os.environ["CALLS"], "a", encoding="utf-8") as calls:
        calls.write(f"{x:g}\n")
    threading.Event().wait()
    return x
