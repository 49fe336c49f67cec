"""Windows of a class of the user's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from pyudf._options import Duration, instance_of
from pyudf.emission import Emit, check_emit, check_grace, check_late
from pyudf.errors import DefinitionError, Origin

__all__ = ["Assigner", "Custom", "custom"]

_EARLIEST, _LATEST = -(2**63), 2**63 - 1
_METHODS = (
    "a custom window has the method assign(self, ts, row), which returns (start, end) in ms or a "
    "list of such, and may have merge(self, a, b) and should_close(self, window, watermark)"
)


class Assigner(Protocol):
    """A class that says which windows a record belongs to. See ``custom``.

    Its ``assign(self, ts: int, ...)`` takes the event time in ms and, as a function over one record
    does, the record or fields of it.

    Example:
        >>> class Shifts:
        ...     def assign(self, ts: int, row: dict) -> tuple[int, int]:
        ...         return row["shift_start"], row["shift_start"] + 12 * 3_600_000
        >>> Shifts().assign(5, {"shift_start": 0})
        (0, 43200000)
    """

    @property
    def assign(self) -> Any:
        """The windows of a record: ``(start, end)`` in ms, or a list of such."""
        ...


@dataclass(frozen=True, slots=True)
class Custom:
    """Windows of a class of the user's. Make one with ``custom``.

    Attributes:
        assigner: The instance whose methods are called.
        grace_ms: How long a window stays open after its end.
        emit: When results are told.
        late: The topic for records that came too late; None: ``<app>.late``.

    Example:
        >>> class Days:
        ...     def assign(self, ts: int, row: dict) -> tuple[int, int]:
        ...         return ts // 86_400_000 * 86_400_000, (ts // 86_400_000 + 1) * 86_400_000
        >>> custom(Days, grace="1s").grace_ms
        1000
    """

    assigner: Any
    grace_ms: int = 0
    emit: Emit = "final"
    late: str | None = None


def custom(
    made: Assigner | type[Assigner],
    /,
    *,
    grace: Duration | None = None,
    emit: Emit = "final",
    late: str | None = None,
) -> Custom:
    """Let a class say which records belong together.

    Args:
        made: An instance, or a class that can be made without arguments. Its
            ``assign(self, ts: int, row: dict)`` returns the windows of a record as ``(start, end)``
            in ms, or a list of such; in place of the record it may take fields, by the names of
            its parameters. ``merge(self, a, b)``, if it has one, returns the window that two of a
            key become, None if they stay apart. ``should_close(self, window, watermark)``, if it
            has one, says whether a window is over; else it is when the watermark passes its end.
        grace: See ``tumbling``.
        emit: See ``tumbling``.
        late: See ``tumbling``.

    Raises:
        DefinitionError: ``assign`` is missing, or as for ``tumbling``.

    Example:
        >>> import pyudf as pu
        >>> class Shifts:
        ...     def assign(self, ts: int, shift_start: int) -> tuple[int, int]:
        ...         return shift_start, shift_start + 12 * 3_600_000
        >>> actions = pu.App("demo").topic("actions", key="courier")
        >>> actions.window(pu.custom(Shifts)).agg(n=pu.count())
        <Stream aggregate-1 of app 'demo'>
    """
    origin = Origin.caller()
    instance = instance_of(made, origin)
    if not callable(getattr(instance, "assign", None)):
        message = f"{type(instance).__name__} has no method assign; {_METHODS}"
        raise DefinitionError(message, origin)
    kept = check_grace(grace, origin)
    return Custom(instance, kept, check_emit(emit, origin), check_late(late, origin))


@dataclass(frozen=True, slots=True)
class Assigned:
    """A user's ``assign`` whose result is a list of windows, each start before its end.

    Example:
        >>> Assigned(lambda ts: (ts, ts + 5))(10)
        [(10, 15)]
    """

    assign: Any

    def __call__(self, *arguments: Any) -> list[tuple[int, int]]:
        """Return the windows of a record.

        Raises:
            TypeError: The user's method gave something else.
            ValueError: It gave a window that ends before anything can be in it.
        """
        found = self.assign(*arguments)
        if isinstance(found, tuple) and len(found) == 2 and not isinstance(found[0], tuple):  # noqa: PLR2004
            found = [found]
        if isinstance(found, str | bytes) or not isinstance(found, Iterable):
            found = [found]
        return [_window(window) for window in found]


@dataclass(frozen=True, slots=True)
class Merged:
    """A user's ``merge`` that takes windows as tuples.

    Example:
        >>> Merged(lambda a, b: (min(a[0], b[0]), max(a[1], b[1])))([0, 5], [3, 8])
        (0, 8)
    """

    merge: Any

    def __call__(self, a: list[int], b: list[int]) -> tuple[int, int] | None:
        """Return the window that two become, None if they stay apart.

        Raises:
            TypeError: The user's method gave something else.
            ValueError: It gave a window that ends before anything can be in it.
        """
        found = self.merge(tuple(a), tuple(b))
        return None if found is None else _window(found)


@dataclass(frozen=True, slots=True)
class Closed:
    """A user's ``should_close`` that takes the window as a tuple.

    Example:
        >>> Closed(lambda window, watermark: watermark > window[1])([0, 5], 6)
        True
    """

    should_close: Any

    def __call__(self, window: list[int], watermark: int) -> bool:
        """Tell whether a window is over."""
        return bool(self.should_close(tuple(window), watermark))


def _window(found: Any) -> tuple[int, int]:
    pair = tuple(found) if isinstance(found, tuple | list) else ()
    whole = all(isinstance(bound, int) and not isinstance(bound, bool) for bound in pair)
    if len(pair) != 2 or not whole:  # noqa: PLR2004 - a start and an end
        message = f"a window is (start, end) in ms since the epoch, not {found!r}"
        raise TypeError(message)
    if not _EARLIEST <= pair[0] < pair[1] <= _LATEST:
        message = (
            f"a window is (start, end) in ms since the epoch, the start before the end, not"
            f" {found!r}; for a record that is in no window return []"
        )
        raise ValueError(message)
    return pair[0], pair[1]
