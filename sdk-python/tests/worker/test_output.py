"""What user code prints comes out as log lines."""

# ruff: noqa: T201 -- printing is what is tested

from __future__ import annotations

import contextlib
import datetime
import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from worker_harness import scalar, worker

from pyudf._worker.output import Output
from pyudf.types import FieldType


class Log:
    """An Output that writes to a file, and the lines in it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)
        self.output = Output(self.descriptor)

    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._path.read_bytes().splitlines()]

    def messages(self) -> list[str]:
        return [entry["@message"] for entry in self.entries()]


@contextlib.contextmanager
def logging_to(directory: Path) -> Iterator[Log]:
    made = Log(directory / "log")
    with (
        contextlib.redirect_stdout(made.output.stdout),
        contextlib.redirect_stderr(made.output.stderr),
    ):
        yield made
    os.close(made.descriptor)


def test_a_line_carries_level_time_and_the_function_that_printed_it(tmp_path: Path) -> None:
    with logging_to(tmp_path) as log:
        print("starting")
        log.output.function = "heat_index"
        print("too", "hot", file=sys.stderr)
        first, second = log.entries()
        assert (first["@level"], first["@message"], first["function"]) == (
            "info",
            "starting",
            "load",
        )
        assert (second["@level"], second["@message"]) == ("warn", "too hot")
        assert second["function"] == "heat_index"
        assert (
            datetime.datetime.fromisoformat(first["@timestamp"]).utcoffset() == datetime.timedelta()
        )


def test_a_megabyte_without_an_end_of_line_is_cut_into_pieces(tmp_path: Path) -> None:
    with logging_to(tmp_path) as log:
        text = "aé\U0001f321" * 150_000
        print(text, end="")
        log.output.flush()
        messages = log.messages()
        assert "".join(messages) == text
        assert max(len(message.encode()) for message in messages) <= 8 * 1024
        assert len(messages) < len(text.encode()) / 8000


def test_a_line_in_parts_is_one_line(tmp_path: Path) -> None:
    with logging_to(tmp_path) as log:
        for part in ("a", "b", "c\nd"):
            print(part, end="", flush=True)
        assert log.messages() == ["abc"]
        log.output.flush()
        assert log.messages() == ["abc", "d"]


def test_an_empty_line_and_odd_characters_come_through(tmp_path: Path) -> None:
    with logging_to(tmp_path) as log:
        print("")
        print("\ud800 tab\t\x00 \r")
        sys.stdout.buffer.write(b"\xff\n")
        log.output.flush()
        assert log.messages() == ["", "\\ud800 tab\t\x00 ", "\ufffd"]


def test_lines_of_threads_are_not_mixed(tmp_path: Path) -> None:
    with logging_to(tmp_path) as log:

        def talk(name: str) -> None:
            for _ in range(200):
                sys.stdout.write(name * 50 + "\n")

        threads = [threading.Thread(target=talk, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(log.messages()) == sorted(name * 50 for name in "abcd" for _ in range(200))


def test_what_a_function_prints_carries_its_name() -> None:
    def chatty(x: int) -> int:
        print("x is", x, end="")
        return x

    with worker(scalar(chatty, FieldType.INT64, FieldType.INT64)) as engine:
        engine.columns([1])
        entry = json.loads(engine.printed())
    assert (entry["@message"], entry["function"]) == ("x is 1", "chatty")
