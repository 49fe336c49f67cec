"""Says for each record which process had it."""

import os

import pyudf as pu

app = pu.App(os.environ["APP"])
PROCESS = os.getpid()


@app.udf(app.topic(os.environ["IN"]), to=os.environ["OUT"], column="process")
def process(n: int) -> int:
    for _ in range(300):  # so that a run takes long enough to be disturbed
        n += 1
    return PROCESS
