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


class Mean:
    def create(self) -> list[float]:
        return [0.0, 0.0]

    def add(self, state: list[float], x: float) -> list[float]:
        if x < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        state[0] += x
        state[1] += 1
        return state

    def merge(self, a: list[float], b: list[float]) -> list[float]:
        return [a[0] + b[0], a[1] + b[1]]

    def result(self, state: list[float]) -> float:
        return state[0] / state[1]


def spread(x: list[float]) -> float:
    return max(x) - min(x)


def remind(key: str, at: int, n: pu.State[int]) -> dict:
    return {"key": key, "at": at, "n": n.get(0)}


@app.udf(numbers, to="counts", key="k")
def count(row: dict, n: pu.State[int], alarm: pu.Timer = pu.timer(remind)) -> dict:
    n.set(n.get(0) + 1)
    alarm.set(row["x"] + 1000)
    if row["x"] == -1:
        os.kill(os.getpid(), signal.SIGKILL)
    if row["x"] == -2:
        raise ValueError(row["x"])
    return {"n": n.value}


class Shift:
    def __init__(self, hours: int) -> None:
        self.hours = hours

    def assign(self, ts: int, x: int) -> tuple[int, int]:
        if x == -1:
            os.kill(os.getpid(), signal.SIGKILL)
        return ts, ts + x * self.hours


days = app.topic("days", schema={"x": int, "k": str})
shifts = days.key_by("k").window(pu.custom(Shift(2)))
shifts.agg(n=pu.count()).to("shifts")

sums = app.topic("sums", schema={"x": float, "k": str})
sums.key_by("k").window(pu.tumbling("10s")).agg(mean=Mean, spread=spread).to("windows")
