"""Durations, numbers and instances as users hand them over."""

from __future__ import annotations

import datetime
import re
from typing import Any, TypeAlias

from pyudf.errors import DefinitionError, Origin

Duration: TypeAlias = str | datetime.timedelta
"""A number and ``ms s m h d`` or ``w``, ``"45m"`` for example; or a timedelta."""

UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}

_TEXT = re.compile(r"(\d{1,15})(ms|s|m|h|d|w)")
_MILLISECOND = datetime.timedelta(milliseconds=1)
# A thousand years: sums of two such and of any moment that a datetime can say fit into 64 bits.
_LONGEST = 365_000 * UNITS["d"]


def parse(value: object) -> int | None:
    """Return a duration in ms, None if the value is none.

    Example:
        >>> parse("45m"), parse(datetime.timedelta(seconds=1.5)), parse("soon")
        (2700000, 1500, None)
    """
    if isinstance(value, datetime.timedelta):
        ms, rest = divmod(value, _MILLISECOND)
        return ms if not rest and abs(ms) <= _LONGEST else None
    match = _TEXT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    ms = int(match[1]) * UNITS[match[2]]
    return ms if ms <= _LONGEST else None


def duration(value: object, option: str, origin: Origin, *, least: int = 1) -> int:
    """Return a duration in ms that is at least so long.

    Raises:
        DefinitionError: The value is no duration, or a shorter one.

    Example:
        >>> duration("10s", "size", Origin("app.py", 3))
        10000
    """
    ms = parse(value)
    if ms is None:
        message = (
            f"{option}={value!r} is no duration; write a number and one of {', '.join(UNITS)}, "
            'such as "10s", or a timedelta of whole milliseconds'
        )
        raise DefinitionError(message, origin)
    if ms < least:
        message = f"{option}={value!r} is too short; write at least {least} ms"
        raise DefinitionError(message, origin)
    return ms


def whole(value: object, option: str, origin: Origin, *, least: int = 1) -> int:
    """Return a whole number that is at least so much.

    Raises:
        DefinitionError: The value is none.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < 2**53:
        message = f"{option}={value!r}; write a whole number from {least}"
        raise DefinitionError(message, origin)
    return value


def instance_of(made: Any, origin: Origin) -> Any:
    """Return an instance of a class; what is none stays what it is.

    Raises:
        DefinitionError: The class cannot be made without arguments.

    Example:
        >>> instance_of(dict, Origin("app.py", 3))
        {}
    """
    if not isinstance(made, type):
        return made
    try:
        return made()
    except Exception as err:
        message = (
            f"{made.__name__}() raised {type(err).__name__}: {err}; hand an instance over: "
            f"{made.__name__}(...)"
        )
        raise DefinitionError(message, origin) from err
