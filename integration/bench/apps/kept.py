"""Ours: 100 bytes for each key, replaced by each record; some records are echoed."""

import os
import random

import pyudf as pu

SIZE = 100
# Neighbouring keys have what is far apart, so that no block on a disk has the same bytes twice.
STRIDE = 104_729
noise = random.Random(5).randbytes(1 << 20)

app = pu.App("bench-kept")
records = app.topic(os.environ.get("IN", "numbers"), key="key")


def keep(n: int, kept: pu.State[bytes]) -> int:
    """Replace what is kept for the key."""
    at = n * STRIDE % (len(noise) - SIZE)
    kept.set(noise[at : at + SIZE])
    return at


echoed = records.with_columns(at=keep).where(pu.col("echo") == 1)
echoed.to(os.environ.get("OUT", "kept"))
