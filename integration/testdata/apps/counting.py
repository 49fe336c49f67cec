"""Counts the records of each key in Python: as they come, and in windows in three ways."""

import os

import pyudf as pu

app = pu.App(os.environ["APP"])
events = app.topic(os.environ["IN"], key="k", time=pu.event_time("n", unit="ms"))


def nth(n: int, seen: pu.State[int] = pu.state(default=0)) -> int:
    count = (seen.value or 0) + 1
    seen.set(count)
    return count


def listed(n: list[int]) -> int:
    return len(n)


class Counted:
    def create(self) -> int:
        return 0

    def add(self, state: int, n: int) -> int:
        return state + 1

    def merge(self, a: int, b: int) -> int:
        return a + b

    def result(self, state: int) -> int:
        return state


events.with_columns(nth=nth).to(os.environ["OUT"])
events.window(pu.tumbling("5s")).agg(n=pu.count(), listed=listed, counted=Counted()).to(
    os.environ["OUT"] + "-windows"
)
