"""When records happened, and how far they may be out of order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from pyudf._options import Duration, duration
from pyudf.errors import DefinitionError, Origin

__all__ = ["EventTime", "TimeUnit", "event_time"]

TimeUnit: TypeAlias = Literal["ms", "s", "us", "ns", "iso"]


@dataclass(frozen=True, slots=True)
class EventTime:
    """When a source's records happened. Make one with ``event_time``.

    Attributes:
        field: The field that says it; None: the record's timestamp.
        unit: Of the field; None: ISO 8601 text, or a number since the epoch, of seconds if it is
            below 100 billion, else of ms.
        out_of_order_ms: How far a record may lie behind the latest one of its partition.
        idle_ms: After how long without records a partition holds nothing back; 0: it always does.
        max_future_ms: How far ahead of the clock a record may lie; 0: without limit.

    Example:
        >>> EventTime("ts").max_future_ms
        86400000
    """

    field: str | None = None
    unit: TimeUnit | None = None
    out_of_order_ms: int = 0
    idle_ms: int = 60_000
    max_future_ms: int = 86_400_000


def event_time(
    field: str | None,
    *,
    unit: TimeUnit | None = None,
    out_of_order: Duration = "0s",
    idle: Duration | None = "60s",
    max_future: Duration | None = "24h",
) -> EventTime:
    """Say when records happened, for ``time=`` of a source.

    Durations are a number and ``ms s m h d`` or ``w``, or a timedelta.

    Args:
        field: The field with the event time; None: the record's timestamp.
        unit: ``"ms"``, ``"s"``, ``"us"`` or ``"ns"`` since the epoch, or ``"iso"`` for ISO 8601
            text; None: text is ISO 8601, a number below 100 billion counts seconds, any other ms.
        out_of_order: How far a record may lie behind the latest one of its partition and still be
            expected: no window closes before.
        idle: After how long without records a partition holds back nobody's windows any more;
            None: it always does.
        max_future: A record further ahead of the clock than this is set aside; None: none is.

    Raises:
        DefinitionError: The field is no name, the unit is not known, or a duration is none.

    Example:
        >>> import pyudf as pu
        >>> time = pu.event_time("ts", unit="s", out_of_order="5s")
        >>> pu.App("demo").topic("weather", time=time)
        <Stream weather of app 'demo'>
    """
    origin = Origin.caller()
    if field is not None and (not isinstance(field, str) or not field):
        message = f"event_time({field!r}); write the name of a field, or None for the timestamp"
        raise DefinitionError(message, origin)
    if unit is not None and (field is None or unit not in get_args(TimeUnit)):
        _refuse_unit(field, unit, origin)
    return EventTime(
        field,
        unit,
        duration(out_of_order, "out_of_order", origin, least=0),
        0 if idle is None else duration(idle, "idle", origin),
        0 if max_future is None else duration(max_future, "max_future", origin),
    )


def _refuse_unit(field: str | None, unit: object, origin: Origin) -> None:
    if field is None:
        message = f"unit={unit!r} without a field; a record's timestamp needs no unit"
    else:
        texts = ", ".join(f'"{known}"' for known in get_args(TimeUnit))
        message = f"unit={unit!r}; possible are {texts}"
    raise DefinitionError(message, origin)
