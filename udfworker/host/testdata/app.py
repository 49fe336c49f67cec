"""Functions of every kind, good ones and bad ones, for the tests of the process boundary."""

import os
import signal
import sys
import time
from collections.abc import Iterator

import pyudf as pu

app = pu.App("boundary")
numbers = app.topic("numbers")


@app.udf(numbers, to="half", column="half")
def half(x: float) -> float:
    if x < 0:
        raise ValueError(f"{x} is negative")
    return x / 2


@app.udf(numbers, to="word", column="word")
def word(n: int, text: str) -> str:
    return text * n


@app.udf(numbers, to="big", column="big")
def big(n: int) -> bool:
    return n > 100


@app.udf(numbers, to="rename")
def rename(row: dict) -> dict | None:
    return {"y": row["x"]} if row["x"] else None


@app.udf(numbers, to="split")
def split(row: dict) -> Iterator[dict]:
    for part in row["text"].split():
        yield {"part": part}


@app.udf(numbers, to="die", column="dead")
def die(n: int) -> int:
    if n:
        os.kill(os.getpid(), signal.SIGKILL)
    return n


@app.udf(numbers, to="leave", column="left")
def leave(n: int) -> int:
    print("goodbye", file=sys.stderr)
    os._exit(n)


@app.udf(numbers, to="never", column="never")
def never(n: int) -> int:
    while True:
        time.sleep(n)


@app.udf(numbers, to="loud", column="loud")
def loud(n: int) -> int:
    print("x" * n)
    os.write(1, b"y" * n + b"\n")
    os.write(2, b"z" * n + b"\n")
    print("done")
    return n


@app.udf(numbers, to="fork", column="child")
def fork(n: int) -> int:
    child = os.fork()
    if child == 0:
        while True:
            time.sleep(n)
    return child
