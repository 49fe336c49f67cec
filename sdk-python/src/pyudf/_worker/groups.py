"""The groups of a request and what comes back for each of them.

Layouts are those of ``Groups``, ``Values`` and ``Timestamps`` in worker.proto.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any, Final

import msgspec

from pyudf._worker import wire
from pyudf.worker.v1 import worker_pb2

__all__ = ["NO_TIME", "Groups", "put_states", "put_taken", "put_timers"]

NO_TIME: Final = -(2**63)


class Groups:
    """The groups of one request.

    Attributes:
        bounds: For each group its first row and the row after its last.
    """

    def __init__(self, request: worker_pb2.RunRequest) -> None:
        """Read where the groups begin and end.

        Raises:
            WireError: The request has no groups, or they are not its rows.
        """
        if not request.HasField("groups"):
            message = "the function takes groups, and the request has none"
            raise wire.WireError(message)
        self._sent = request.groups
        self._rows = request.rows
        offsets = wire.int32s(self._sent.offsets)
        bounds = list(pairwise(offsets))
        if not offsets or offsets[0] != 0 or offsets[-1] != request.rows:
            message = f"the groups do not begin at 0 and end at {request.rows}: {offsets[:3]}..."
            raise wire.WireError(message)
        if any(start > end for start, end in bounds):
            message = "a group ends before it begins"
            raise wire.WireError(message)
        self.bounds = bounds

    def __len__(self) -> int:
        """Return the number of groups."""
        return len(self.bounds)

    @property
    def action(self) -> worker_pb2.Action:
        """What is asked of an aggregator."""
        return self._sent.action

    def states(self, count: int) -> list[list[bytes | None]]:
        """Return the states of each group, None where it has none.

        Raises:
            WireError: There are not so many.
        """
        if len(self._sent.states) != count:
            message = f"{len(self._sent.states)} states arrived where {count} belong"
            raise wire.WireError(message)
        return [self._values(values) for values in self._sent.states]

    def timers(self, count: int) -> list[Sequence[int]]:
        """Return the moments that the groups have set, NO_TIME where there is none.

        Raises:
            WireError: There are not so many.
        """
        if len(self._sent.timers) != count:
            message = f"{len(self._sent.timers)} timers arrived where {count} belong"
            raise wire.WireError(message)
        return [wire.int64s(sent.values, len(self)) for sent in self._sent.timers]

    @cached_property
    def times(self) -> Sequence[int]:
        """The event time of each row."""
        return wire.int64s(self._sent.times, self._rows)

    @cached_property
    def watermarks(self) -> Sequence[int]:
        """The watermark before each row; empty unless timers may be due between rows."""
        sent = self._sent.watermarks
        return wire.int64s(sent, self._rows) if sent else ()

    @cached_property
    def keys(self) -> list[Any]:
        """The decoded key of each group."""
        return [msgspec.json.decode(text) for text in wire.records(self._sent.keys, len(self))]

    def _values(self, sent: worker_pb2.Values) -> list[bytes | None]:
        found = wire.records(sent.values, len(self))
        present = wire.unpack_bits(sent.present, len(self))
        return [data if has else None for data, has in zip(found, present, strict=True)]


def put_states(response: worker_pb2.RunResponse, states: Iterable[Sequence[bytes | None]]) -> None:
    """Put what each group has of each state into a response."""
    for state in states:
        sent = response.states.add()
        found = [data or b"" for data in state]
        sent.values.data = b"".join(found)
        sent.values.offsets = wire.row_numbers(tuple(accumulate(map(len, found), initial=0)))
        sent.present = wire.pack_bits(data is not None for data in state)


def put_timers(response: worker_pb2.RunResponse, timers: Iterable[Sequence[int]]) -> None:
    """Put what each group has set of each timer into a response."""
    for timer in timers:
        response.timers.add().values = wire.moments(timer)


def put_taken(response: worker_pb2.RunResponse, groups: Groups, ends: Sequence[int]) -> None:
    """Put how many rows each group took into a response, unless all took all of theirs.

    Args:
        response: Where to put it.
        groups: The groups.
        ends: For each group the row after the last that it took.
    """
    if any(taken < end for taken, (_, end) in zip(ends, groups.bounds, strict=True)):
        taken = [end - start for end, (start, _) in zip(ends, groups.bounds, strict=True)]
        response.taken = wire.row_numbers(taken)
