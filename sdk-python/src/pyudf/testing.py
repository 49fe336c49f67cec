"""Run an app on lists of events, without a broker, and look at what it writes in between.

The engine is the real one, in a process of its own; the app's functions run in the test's process,
so that they may be any that the test defines. The clock stands still until the test moves it.

Example:
    >>> import pyudf as pu
    >>> from pyudf.testing import run
    >>> app = pu.App("delivery")
    >>> orders = app.topic("orders", key="courier", time="at")
    >>> orders.window(pu.session("45m", min_events=2)).agg(n=pu.count()).to("active")
    >>> with run(app) as t:
    ...     t.send("orders", {"courier": "ann", "at": "2024-05-01T10:00:00Z"})
    ...     t.send("orders", {"courier": "ann", "at": "2024-05-01T10:40:00Z"})
    ...     before = t.read("active")
    ...     t.finish()
    ...     after = t.read("active")
    >>> before, [(row["courier"], row["n"]) for row in after]
    ([], [('ann', 2)])
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, TypeAlias

import msgspec

from pyudf._harness import Harness, PipelineError, Wire
from pyudf._options import Duration, duration
from pyudf._worker.local import LocalWorker
from pyudf.app import App
from pyudf.errors import Origin, known

__all__ = ["DeadLetter", "Moment", "Pipeline", "PipelineError", "Record", "run"]

Moment: TypeAlias = int | str | datetime.datetime
"""Milliseconds since the epoch, ISO 8601 text or a datetime; without a time zone it is UTC."""

_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MILLISECOND: Final = datetime.timedelta(milliseconds=1)
# Behind every record that a test sends: none of them is one of the future.
_NOW: Final = "2100-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Record:
    """A record that the app wrote.

    Attributes:
        value: The JSON value; what is no JSON stays bytes. None: a tombstone.
        key: Its text; what is no text stays bytes. None: it has none.
        time: Its timestamp, in ms since the epoch.
        headers: Their texts by their names.

    Example:
        >>> Record({"n": 2}, "ann").value
        {'n': 2}
    """

    value: Any
    key: str | bytes | None = None
    time: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that no step could handle.

    Attributes:
        value: As the record came.
        key: As the record came.
        time: Its timestamp, in ms since the epoch.
        reason: What happened, in a word.
        message: What happened, in a sentence.
        step: The step that it happened in.
        function: The function that it happened in; empty: in none.
        exception: The type of what the function raised; empty: it did not.
        traceback: The lines of the function that raised it.

    Example:
        >>> DeadLetter({"x": 0}, None, 0, "raised", "division by zero").message
        'division by zero'
    """

    value: Any
    key: str | bytes | None
    time: int
    reason: str
    message: str
    step: str = ""
    function: str = ""
    exception: str = ""
    traceback: str = ""


def run(app: App, *, partitions: int = 1, now: Moment = _NOW) -> Pipeline:
    """Return a pipeline to be used in a ``with`` statement, which starts and ends it.

    Args:
        app: The app; files that it reads or writes are topics here, named by their paths.
        partitions: How many partitions every topic has. With several, results of different keys
            come in any order.
        now: Where the clock stands at first. It is the time of records that are sent without one.

    Example:
        >>> import pyudf as pu
        >>> app = pu.App("copy")
        >>> app.topic("weather").to("copied")
        >>> with run(app) as t:
        ...     t.send("weather", {"temp_f": 50})
        ...     t.read("copied")
        [{'temp_f': 50}]
    """
    return Pipeline(app, partitions=partitions, now=now)


class Pipeline:
    """A running app. Make one with ``run``."""

    def __init__(self, app: App, *, partitions: int = 1, now: Moment = _NOW) -> None:
        """Prepare what ``with`` starts: see ``run``."""
        self._app = app
        self._partitions = partitions
        self._now = now
        self._worker: LocalWorker | None = None
        self._harness: Harness | None = None
        self._unread: dict[str, list[Record]] = {}
        self._late: list[Record] = []
        self._dead: list[DeadLetter] = []

    def __enter__(self) -> Pipeline:
        """Start the app.

        Raises:
            DefinitionError: As for ``App.plan``.
            PipelineError: There is no ``pyudf`` command, or it cannot run the app.
        """
        now = _millis(self._now)
        self._worker = LocalWorker(self._app)
        try:
            self._harness = Harness(self._worker.socket, partitions=self._partitions, now=now)
        except BaseException:
            self._worker.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the app, whatever state it is in."""
        if self._harness is not None:
            self._harness.close()
        if self._worker is not None:
            self._worker.close()
        self._harness = self._worker = None

    def send(
        self,
        topic: str,
        value: Any,
        *,
        at: Moment | None = None,
        key: str | bytes | None = None,
        partition: int | None = None,
    ) -> None:
        """Send a record to a topic, or several. They are handled when the test looks for results.

        Args:
            topic: A topic that the app reads; of a file its path.
            value: What msgspec encodes as JSON: a dict, a dataclass. A list is several records.
                Bytes and texts are sent as they are; None is a tombstone.
            at: The record's timestamp; None: where the clock stands. A source with ``time=`` takes
                its own field instead.
            key: The record's key; None: what the field has that the source names by ``key=``.
            partition: The partition; None: that of the key, as Kafka has it, or else the first.

        Raises:
            PipelineError: The app reads no such topic, or it has no such partition.
        """
        values = value if isinstance(value, list) else [value]
        records = [
            Wire(
                _encode(each),
                key.encode() if isinstance(key, str) else key,
                None if at is None else _millis(at),
                partition=partition,
            )
            for each in values
        ]
        self._ask(push={"topic": topic, "records": records})

    def read(self, topic: str) -> list[Any]:
        """Return the values of the records that the app wrote since they were read last.

        All that was sent has gone through the whole app then, and is committed.

        Raises:
            PipelineError: The app writes no such topic, or it stopped.
        """
        return [record.value for record in self.records(topic)]

    def records(self, topic: str) -> list[Record]:
        """Return what ``read`` returns, with keys, times and headers.

        Raises:
            PipelineError: As for ``read``.
        """
        names = self._running().names
        if topic not in names.outputs:
            message = f"the app writes no {topic!r}; {known(topic, names.outputs, 'topics')}"
            raise PipelineError(message)
        self._ask(look=True)
        return self._unread.pop(topic, [])

    @property
    def dead(self) -> list[DeadLetter]:
        """All records so far that no step could handle.

        Raises:
            PipelineError: The app stopped.
        """
        self._ask(look=True)
        return list(self._dead)

    @property
    def late(self) -> list[Record]:
        """All records so far that came too late for their windows; headers say for which.

        Raises:
            PipelineError: The app stopped.
        """
        self._ask(look=True)
        return list(self._late)

    def advance(self, by: Duration) -> None:
        """Move the clock on: early results are given, and inputs without records become idle.

        Args:
            by: A number and ``ms s m h d`` or ``w``, or a timedelta.

        Raises:
            DefinitionError: It is no duration.
            PipelineError: The app stopped.
        """
        self._ask(advance=duration(by, "advance", Origin.caller()))

    def finish(self) -> None:
        """Close what is open, as at the end of all input with ``--flush``.

        Raises:
            PipelineError: The app stopped.
        """
        self._ask(finish=True)

    def restart(self) -> None:
        """Stop the engine after all that was sent, and start it again with what it has saved.

        Raises:
            PipelineError: The app stopped.
        """
        self._ask(restart=True)

    def crash(self) -> None:
        """Crash the engine in the middle of what was sent since the last look, and start it again.

        Nothing of these records is committed, so that they are handled once more, with the state as
        it was before them. Their results come once, as after a crash of a run.

        Raises:
            PipelineError: The app stopped.
        """
        self._ask(crash=True)

    def _running(self) -> Harness:
        if self._harness is None:
            message = "the pipeline does not run; use it inside `with run(app) as t:`"
            raise PipelineError(message)
        return self._harness

    def _ask(self, **command: Any) -> None:
        harness = self._running()
        answer = harness.ask(**command)
        for topic, wires in answer.topics.items():
            records = [_record(wire) for wire in wires]
            self._unread.setdefault(topic, []).extend(records)
            if topic in harness.names.late:
                self._late += records
            if topic == harness.names.dead:
                self._dead += map(_dead_letter, records)
        if answer.error:
            raise PipelineError(answer.error)


def _millis(at: Moment) -> int:
    if isinstance(at, str):
        at = datetime.datetime.fromisoformat(at)
    if isinstance(at, datetime.datetime):
        zoned = at if at.tzinfo else at.replace(tzinfo=datetime.UTC)
        return (zoned - _EPOCH) // _MILLISECOND
    return at


def _encode(value: Any) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else msgspec.json.encode(value)


def _record(wire: Wire) -> Record:
    headers = {header.key: header.value.decode("utf-8", "replace") for header in wire.headers}
    return Record(_decode(wire.value), _text(wire.key), wire.time or 0, headers)


def _decode(value: bytes | None) -> Any:
    if value is None:
        return None
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        return value


def _text(data: bytes | None) -> str | bytes | None:
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _dead_letter(record: Record) -> DeadLetter:
    names = ("reason", "message", "step", "function", "exception", "traceback")
    told = {name: record.headers.get(f"pyudf.{name}", "") for name in names}
    return DeadLetter(record.value, record.key, record.time, **told)
