"""Windows: which records of a key belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from pyudf._options import Duration, duration, whole
from pyudf.custom import Custom
from pyudf.emission import Emit, check_emit, check_grace, check_late, endless
from pyudf.errors import DefinitionError, Origin
from pyudf.expressions import Expr

__all__ = [
    "Count",
    "Global",
    "Hopping",
    "Session",
    "Sliding",
    "Tumbling",
    "Window",
    "global_",
    "hopping",
    "session",
    "sliding",
    "tumbling",
]


@dataclass(frozen=True, slots=True)
class Tumbling:
    """Windows of one length, one after the other. Make one with ``tumbling``.

    Attributes:
        size_ms: The length.
        offset_ms: Where one begins, from the epoch.
        grace_ms: How long one stays open after its end.
        emit: When results are told.
        late: The topic for records that came too late; None: ``<app>.late``.

    Example:
        >>> tumbling("10s").size_ms
        10000
    """

    size_ms: int
    offset_ms: int = 0
    grace_ms: int = 0
    emit: Emit = "final"
    late: str | None = None


@dataclass(frozen=True, slots=True)
class Hopping:
    """Windows of one length that overlap. Make one with ``hopping``.

    Attributes:
        size_ms: The length.
        every_ms: The time between two beginnings.
        offset_ms: See ``Tumbling``.
        grace_ms: See ``Tumbling``.
        emit: See ``Tumbling``.
        late: See ``Tumbling``.

    Example:
        >>> hopping("1h", "10m").every_ms
        600000
    """

    size_ms: int
    every_ms: int
    offset_ms: int = 0
    grace_ms: int = 0
    emit: Emit = "final"
    late: str | None = None


@dataclass(frozen=True, slots=True)
class Sliding:
    """For each record the time before it. Make one with ``sliding``.

    Attributes:
        length_ms: How far it reaches back.
        grace_ms: See ``Tumbling``.
        emit: See ``Tumbling``.
        late: See ``Tumbling``.

    Example:
        >>> sliding("24h").length_ms
        86400000
    """

    length_ms: int
    grace_ms: int = 0
    emit: Emit = "final"
    late: str | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """The last records of a key, in the order of their arrival. Make one with ``count``.

    Attributes:
        size: How many.
        every: After how many there is a result.
        emit: See ``Tumbling``.

    Example:
        >>> import pyudf as pu
        >>> pu.count(100, every=10)
        Count(size=100, every=10, emit='final')
    """

    size: int
    every: int
    emit: Emit = "final"


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """Records that follow each other closely. Make one with ``session``.

    Attributes:
        gap_ms: The longest time between two records.
        gap_by: The field with each record's own gap in ms, in place of one for all; None: none.
        min_events: Sessions with fewer records are left out.
        max_duration_ms: The longest time from the first to the last; 0: without limit.
        close_on: A record for which it is true is the last of its session; None: none is.
        grace_ms: See ``Tumbling``.
        emit: See ``Tumbling``.
        late: See ``Tumbling``.

    Example:
        >>> session("45m", min_events=2).gap_ms
        2700000
    """

    gap_ms: int
    gap_by: str | None = None
    min_events: int = 1
    max_duration_ms: int = 0
    close_on: Expr | None = None
    grace_ms: int = 0
    emit: Emit = "final"
    late: str | None = None


@dataclass(frozen=True, slots=True)
class Global:
    """One window for all records of a key. Make one with ``global_``.

    Attributes:
        emit: See ``Tumbling``.

    Example:
        >>> global_(emit="updates")
        Global(emit='updates')
    """

    emit: Emit = "final"


Window: TypeAlias = Tumbling | Hopping | Sliding | Count | Session | Global | Custom


def tumbling(
    size: Duration,
    *,
    offset: Duration | None = None,
    grace: Duration | None = None,
    emit: Emit = "final",
    late: str | None = None,
) -> Tumbling:
    """Cut the event time into windows of one length: each record is in one.

    Durations are a number and ``ms s m h d`` or ``w``, or a timedelta.

    Args:
        size: The length.
        offset: Where a window begins, from midnight UTC; None: there.
        grace: How long a window stays open after its end, for records that come late.
        emit: ``"final"``: one result, when the window closes. ``"updates"``: after each change.
            ``pu.early("5s")``: in between and at the close. ``"on_time+late"``: when the window's
            time is over, and after each later change. All but the first add the fields ``rev`` and
            ``final``.
        late: The topic for records that came too late; None: ``<app>.late``.

    Raises:
        DefinitionError: A duration is none, or an option has a value that it cannot have.

    Example:
        >>> import pyudf as pu
        >>> weather = pu.App("demo").topic("weather", key="station", time="ts")
        >>> weather.window(pu.tumbling("10s", grace="2s")).agg(mean=pu.mean("temp_f"))
        <Stream aggregate-1 of app 'demo'>
    """
    origin = Origin.caller()
    shift = 0 if offset is None else duration(offset, "offset", origin, least=-(2**62))
    length = duration(size, "size", origin)
    return Tumbling(
        length,
        shift,
        check_grace(grace, origin),
        check_emit(emit, origin),
        check_late(late, origin),
    )


def hopping(
    size: Duration,
    every: Duration,
    *,
    offset: Duration | None = None,
    grace: Duration | None = None,
    emit: Emit = "final",
    late: str | None = None,
) -> Hopping:
    """Begin a window of one length every so often: each record is in several.

    Args:
        size: The length.
        every: The time between two beginnings, at most the length.
        offset: See ``tumbling``.
        grace: See ``tumbling``.
        emit: See ``tumbling``.
        late: See ``tumbling``.

    Raises:
        DefinitionError: ``every`` is longer than ``size``, or as for ``tumbling``.

    Example:
        >>> hopping("1h", "10m")
        Hopping(size_ms=3600000, every_ms=600000, offset_ms=0, grace_ms=0, emit='final', late=None)
    """
    origin = Origin.caller()
    length, step = duration(size, "size", origin), duration(every, "every", origin)
    if step > length:
        message = (
            f"hopping({size!r}, {every!r}) would leave records out between two windows; every is "
            "at most the size"
        )
        raise DefinitionError(message, origin)
    shift = 0 if offset is None else duration(offset, "offset", origin, least=-(2**62))
    kept = check_grace(grace, origin)
    return Hopping(length, step, shift, kept, check_emit(emit, origin), check_late(late, origin))


def sliding(
    length: Duration,
    *,
    grace: Duration | None = None,
    emit: Emit = "final",
    late: str | None = None,
) -> Sliding:
    """Look back from each record: a window for each event time at which the key has a record.

    Args:
        length: How far to look back; both ends belong to the window.
        grace: See ``tumbling``.
        emit: See ``tumbling``.
        late: See ``tumbling``.

    Raises:
        DefinitionError: As for ``tumbling``.

    Example:
        >>> sliding("24h").grace_ms
        0
    """
    origin = Origin.caller()
    reach = duration(length, "length", origin)
    return Sliding(
        reach, check_grace(grace, origin), check_emit(emit, origin), check_late(late, origin)
    )


def session(
    gap: Duration | None = None,
    *,
    gap_by: str | None = None,
    min_events: int = 1,
    max_duration: Duration | None = None,
    close_on: Expr | None = None,
    grace: Duration | None = None,
    emit: Emit = "final",
    late: str | None = None,
) -> Session:
    """Put records together that follow each other within a gap.

    Args:
        gap: The longest time between two records of a session.
        gap_by: In its place a numeric field with each record's own gap in ms.
        min_events: Sessions with fewer records are left out.
        max_duration: The longest time from the first record to the last; None: without limit.
        close_on: A condition; a record for which it is true is the last of its session.
        grace: See ``tumbling``.
        emit: See ``tumbling``.
        late: See ``tumbling``.

    Raises:
        DefinitionError: There is not exactly one of ``gap`` and ``gap_by``, or as for ``tumbling``.

    Example:
        >>> import pyudf as pu
        >>> window = pu.session("45m", min_events=2, close_on=pu.col("action") == "logout")
        >>> window.close_on
        (col('action') == 'logout')
    """
    origin = Origin.caller()
    if (gap is None) == (gap_by is None):
        message = 'session() takes one of gap and gap_by: session("45m") or session(gap_by="field")'
        raise DefinitionError(message, origin)
    if gap_by is not None and (not isinstance(gap_by, str) or not gap_by):
        message = f"gap_by={gap_by!r}; write the name of a field"
        raise DefinitionError(message, origin)
    if close_on is not None and not isinstance(close_on, Expr):
        message = f'close_on={close_on!r}; write a condition such as pu.col("action") == "logout"'
        raise DefinitionError(message, origin)
    return Session(
        0 if gap is None else duration(gap, "gap", origin, least=0),
        gap_by,
        whole(min_events, "min_events", origin),
        0 if max_duration is None else duration(max_duration, "max_duration", origin),
        close_on,
        check_grace(grace, origin),
        check_emit(emit, origin),
        check_late(late, origin),
    )


def global_(*, emit: Emit = "final") -> Global:
    """Put all records of a key together.

    Args:
        emit: See ``tumbling``; the final result is told at the end of a run with ``--flush``, so
            write ``"updates"`` or ``pu.early("5s")`` for one that goes on.

    Raises:
        DefinitionError: ``emit`` has a value that it cannot have.

    Example:
        >>> import pyudf as pu
        >>> orders = pu.App("demo").topic("orders", key="courier")
        >>> orders.window(pu.global_(emit="updates")).agg(n=pu.count())
        <Stream aggregate-1 of app 'demo'>
    """
    return Global(endless(emit, "global_", Origin.caller()))
