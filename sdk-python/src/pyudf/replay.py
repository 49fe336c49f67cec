"""What a replay gives: the records that an app makes of data that lies still."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pyudf.errors import ReplayError, known

__all__ = ["Replay", "ReplayError"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Replay(Mapping[str, Any]):
    """The results of ``app.replay``: a mapping from each topic or file that the app writes.

    A result is a frame of the library that the data came in: pandas, polars, or else a
    ``pyarrow.Table``.

    Attributes:
        results: The frames by the names of topics and files.
        late: The records that came too late for their windows, with what the engine says of them in
            columns that begin with ``pyudf.``; None if the app has no windows that records can
            be late for.
        dead: The records that no step could handle: ``source``, ``row`` (its number in the data),
            ``reason``, ``message``, ``step``, ``function``, ``exception``, ``traceback`` and
            ``value``, the record as JSON.
        read: How many records each source had.
        counts: How many records each topic got.
        seconds: How long the replay took.

    Example:
        >>> import pyudf as pu
        >>> app = pu.App("demo")
        >>> def celsius(temp_f: float) -> float:
        ...     return (temp_f - 32) / 1.8
        >>> app.topic("weather").with_columns(temp_c=celsius).to("metric")
        >>> replay = app.replay({"weather": [{"temp_f": 212.0}, {"temp_f": 32.0}]})
        >>> replay["metric"].column("temp_c").to_pylist()
        [100.0, 0.0]
        >>> replay.counts
        {'metric': 2}
    """

    results: Mapping[str, Any]
    late: Any
    dead: Any
    read: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def __getitem__(self, name: str) -> Any:
        """Return the records of a topic or file as a frame.

        Raises:
            ReplayError: The app writes no such topic. It is a ``KeyError``, too.
        """
        if name not in self.results:
            message = f"the app writes no {name!r}; {known(name, self.results, 'results')}"
            raise _NoResult(message)
        return self.results[name]

    def __iter__(self) -> Iterator[str]:
        """Give the names of the results."""
        return iter(self.results)

    def __len__(self) -> int:
        """Return how many results there are."""
        return len(self.results)

    def __repr__(self) -> str:
        """Return the counts."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        total = sum(self.read.values())
        rate = f", {total / self.seconds:,.0f} records/s" if self.seconds else ""
        yield f"Replay of {total:,} records in {self.seconds:.2f} s{rate}"
        for name, count in self.counts.items():
            yield f"  {name}: {count:,} records"
        for name, frame in (("late", self.late), ("dead", self.dead)):
            if frame is not None and len(frame):
                yield f"  .{name}: {len(frame):,} records"

    def _repr_html_(self) -> str:
        """Return the counts and the first records of each result."""
        from pyudf._html import replayed  # noqa: PLC0415 - only a notebook asks

        return replayed(self)


class _NoResult(ReplayError, KeyError):
    def __str__(self) -> str:
        return str(self.args[0])
