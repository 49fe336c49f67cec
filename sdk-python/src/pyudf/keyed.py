"""State and timers: what a function keeps for the key of the record that it is called with."""

from __future__ import annotations

import copy
import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

__all__ = ["State", "StateOptions", "Timer", "TimerOptions", "state", "timer"]

T = TypeVar("T")
D = TypeVar("D")

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MILLISECOND = datetime.timedelta(milliseconds=1)


class State(Generic[T]):
    """A value that a function keeps for each key. Annotate a parameter with it.

    The engine hands the function the value of its record's key and keeps what it leaves. T is
    anything that msgspec encodes, a numpy array, a pandas object, or a class with ``encode`` and
    ``decode``. In a test make one by hand and pass it like any other argument.

    Example:
        >>> def delta(row: dict, last: State[float]) -> dict:
        ...     before = last.get(row["v"])
        ...     last.set(row["v"])
        ...     return {"delta": row["v"] - before}
        >>> last = State(2.0)
        >>> delta({"v": 5.0}, last), last.value
        ({'delta': 3.0}, 5.0)
    """

    __slots__ = ("_default", "_value")

    def __init__(self, value: T | None = None, *, default: T | None = None) -> None:
        """Make a state.

        Args:
            value: What the key has; None: nothing yet.
            default: What ``get`` and ``value`` give while there is nothing.
        """
        self._value = value
        self._default = default

    @overload
    def get(self) -> T | None: ...

    @overload
    def get(self, default: D) -> T | D: ...

    def get(self, default: object = None) -> object:
        """Return the value; where there is none, the default given here or else the state's own.

        What comes from a state's own default is a copy: ``set`` it to keep a change of it.

        Example:
            >>> State[float]().get(0.5)
            0.5
        """
        value = self._value
        if value is not None:
            return value
        return copy.deepcopy(self._default) if default is None else default

    def set(self, value: T) -> None:
        """Keep a value; None is no value.

        Example:
            >>> last: State[int] = State()
            >>> last.set(3)
            >>> last
            State(3)
        """
        self._value = value

    def clear(self) -> None:
        """Keep nothing any more.

        Example:
            >>> last = State(3)
            >>> last.clear()
            >>> last.exists
            False
        """
        self._value = None

    @property
    def value(self) -> T | None:
        """What ``get()`` gives.

        Example:
            >>> State(default=0).value
            0
        """
        return self.get()

    @property
    def exists(self) -> bool:
        """Whether a value was set and not cleared.

        Example:
            >>> State(0).exists, State(default=0).exists
            (True, False)
        """
        return self._value is not None

    def __repr__(self) -> str:
        """Return how to make one like it."""
        return f"State({self._value!r})"


class Timer:
    """A moment of event time at which a function's callback is called. Annotate a parameter.

    There is one for each key. Setting it again replaces what was set; it fires once.

    Example:
        >>> alarm = Timer()
        >>> alarm.set(1_700_000_000_000)
        >>> alarm.at
        1700000000000
    """

    __slots__ = ("_at",)

    def __init__(self, at: int | None = None) -> None:
        """Make a timer that is set to a moment in ms since the epoch; None: not set."""
        self._at = at

    @property
    def at(self) -> int | None:
        """The moment in ms since the epoch, None if the timer is not set.

        Example:
            >>> Timer(5).at
            5
        """
        return self._at

    def set(self, at: int | datetime.datetime) -> None:
        """Fire when the event time reaches a moment.

        Args:
            at: Ms since the epoch, or a datetime; one without a time zone is UTC.

        Raises:
            TypeError: It is neither.

        Example:
            >>> alarm = Timer()
            >>> alarm.set(datetime.datetime(1970, 1, 2))
            >>> alarm.at
            86400000
        """
        if isinstance(at, datetime.datetime):
            zoned = at if at.tzinfo else at.replace(tzinfo=datetime.UTC)
            self._at = (zoned - _EPOCH) // _MILLISECOND
        elif isinstance(at, int) and not isinstance(at, bool):
            self._at = at
        else:
            message = f"a timer is set to ms since the epoch (an int) or a datetime, not {at!r}"
            raise TypeError(message)

    def cancel(self) -> None:
        """Do not fire.

        Example:
            >>> alarm = Timer(5)
            >>> alarm.cancel()
            >>> alarm
            Timer(None)
        """
        self._at = None

    def __repr__(self) -> str:
        """Return how to make one like it."""
        return f"Timer({self._at!r})"


@dataclass(frozen=True, slots=True)
class StateOptions:
    """What a user sets for a state. Make one with ``state``.

    Attributes:
        default: What the function sees while a key has no value.
        ttl: How long a value is kept after the key's last record; None: for ever.

    Example:
        >>> StateOptions(ttl="1h").ttl
        '1h'
    """

    default: Any = None
    ttl: str | datetime.timedelta | None = None


@dataclass(frozen=True, slots=True)
class TimerOptions:
    """What a user sets for a timer. Make one with ``timer``.

    Attributes:
        callback: The function that is called when the timer fires.

    Example:
        >>> TimerOptions(print).callback
        <built-in function print>
    """

    callback: Callable[..., Any]


# Any, since the options stand where a State or a Timer is annotated.
def state(*, default: Any = None, ttl: str | datetime.timedelta | None = None) -> Any:
    """Set the options of a state, as the default value of its parameter.

    Args:
        default: What the function sees while a key has no value.
        ttl: How long a value is kept after the key's last record, in event time, whether or not
            that record set it: a number and ``ms s m h d`` or ``w``, ``"1h"`` for example, or a
            timedelta. None: for ever.

    Example:
        >>> def delta(v: float, last: State[float] = state(default=0.0, ttl="1h")) -> float:
        ...     return v - (last.value or 0.0)
        >>> delta(5.0, State(2.0))
        3.0
    """
    return StateOptions(default, ttl)


def timer(callback: Callable[..., Any], /) -> Any:
    """Say what a timer calls, as the default value of its parameter.

    Args:
        callback: Is called when the timer fires, and gives a record, several or None. Its
            parameters are any of ``key`` (the record's key), ``at`` (ms since the epoch) and the
            states of the function with the timer, by their names.

    Example:
        >>> def silent(key: str, at: int) -> dict:
        ...     return {"courier": key, "silent_since": at}
        >>> def watch(row: dict, alarm: Timer = timer(silent)) -> dict:
        ...     alarm.set(row["ts"] + 60_000)
        ...     return row
        >>> alarm = Timer()
        >>> watch({"ts": 5}, alarm), alarm.at
        ({'ts': 5}, 60005)
    """
    return TimerOptions(callback)
