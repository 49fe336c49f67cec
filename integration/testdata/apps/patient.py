"""Readings of a file, each after its time."""

import os
import time

import pyudf as pu

app = pu.App(os.environ["APP"])
when = pu.event_time("ts", unit="ms")


def patient(v: int, wait_ms: int = 0) -> int:
    time.sleep(wait_ms / 1000)
    return 2 * v


app.file(os.environ["IN"], key="sensor", time=when).with_columns(v=patient).to(os.environ["OUT"])
