"""A replay beside a real run on a broker: record for record, floats bit for bit."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest

from pyudf._harness import find_program
from pyudf.errors import ReplayError
from pyudf.loading import load

WEATHER = Path(__file__).parents[3] / "examples" / "weather" / "nyc-weather-2013.csv"
APP = """
import pyudf as pu

app = pu.App("both")
weather = app.topic("weather", key="station", time=pu.event_time("time", out_of_order="3h"))

def index(temp_f: float, rh: float) -> float:
    return 0.5 * (temp_f + 61.0 + (temp_f - 68.0) * 1.2 + rh * 0.094)

weather.with_columns(heat=index).to("heat")
weather.window(pu.tumbling("1d")).agg(n=pu.count(), mean=pu.mean("temp_f")).to("days")
"""


@contextlib.contextmanager
def broker(directory: Path) -> Iterator[str]:
    ready = directory / "addr"
    command = [find_program(), "dev", "--addr", "127.0.0.1:0", "--ready-file", str(ready)]
    with subprocess.Popen(
        [*command, "--partitions", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            deadline = time.monotonic() + 30
            while not ready.exists() or not ready.read_text():
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield ready.read_text().strip()
        finally:
            process.terminate()
            process.wait(20)


def command(brokers: str, *arguments: str) -> str:
    done = subprocess.run(
        [find_program(), *arguments, "--brokers", brokers],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def values(brokers: str, topic: str) -> list[Any]:
    lines = command(brokers, "tail", topic, "--offset", "earliest", "--format", "json")
    return [json.loads(line)["value"] for line in lines.splitlines()]


def plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    encoded = msgspec.json.encode(frame.to_dict("records"))
    found: list[dict[str, Any]] = msgspec.json.decode(encoded)
    return found


@pytest.mark.timeout(180)
def test_a_replay_is_what_a_run_on_a_broker_gives(tmp_path: Path) -> None:
    frame = pd.read_csv(WEATHER, nrows=900)
    (tmp_path / "both.py").write_text(APP)
    frame.to_csv(tmp_path / "weather.csv", index=False, na_rep="NA")
    app = load(str(tmp_path / "both.py"))
    with broker(tmp_path) as brokers:
        data = str(tmp_path / "weather.csv")
        given = ("--key", "station", "--time", "time", "--partitions", "1")
        command(brokers, "produce", "weather", data, *given)
        state = ("--state-dir", str(tmp_path / "state"))
        command(
            brokers,
            "run",
            str(tmp_path / "both.py"),
            "--until-end",
            "--flush",
            *state,
            "--python",
            sys.executable,
        )
        real = {topic: values(brokers, topic) for topic in ("heat", "days")}
        recorded = app.replay(kafka=brokers)
        later = app.replay(kafka=brokers, since="2013-01-20T00:00:00Z", until="2013-01-21")
        with pytest.raises(ReplayError, match="nowhere"):
            replay_of_nothing(brokers)
    replayed = app.replay(frame)
    for topic, records in real.items():
        assert plain(replayed[topic]) == records
        assert recorded[topic].to_pylist() == records
    assert 0 < len(later["heat"]) <= 24
    assert set(later["days"].column("n").to_pylist()) == {len(later["heat"])}


def replay_of_nothing(brokers: str) -> None:
    import pyudf as pu  # noqa: PLC0415

    app = pu.App("missing")
    app.topic("nowhere").to("out")
    app.replay(kafka=brokers)
