"""Functions as users hand them to a step: as they are, or with ``call``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from pyudf.errors import DefinitionError, Origin
from pyudf.functions import OnError, OnNull, Options

__all__ = ["Aggregator", "Call", "Callee", "as_call", "call"]

DEFAULTS = Options()


class Aggregator(Protocol):
    """A class that keeps a state for each window. It also has ``add`` or ``add_batch``.

    ``add(self, state, temp_f: float)`` takes the fields of one record and returns the new state,
    ``add_batch`` those of many. With ``merge(self, a, b)`` windows can become one.

    Example:
        >>> class Spread:
        ...     def create(self) -> list[float]:
        ...         return []
        ...
        ...     def add(self, state: list[float], temp_f: float) -> list[float]:
        ...         return [min([*state, temp_f]), max([*state, temp_f])]
        ...
        ...     def merge(self, a: list[float], b: list[float]) -> list[float]:
        ...         return [min(a + b), max(a + b)]
        ...
        ...     def result(self, state: list[float]) -> float:
        ...         return state[-1] - state[0]
        >>> import pyudf as pu
        >>> weather = pu.App("demo").topic("weather", key="station")
        >>> weather.window(pu.tumbling("1d")).agg(spread=Spread)
        <Stream aggregate-1 of app 'demo'>
    """

    def create(self) -> Any:
        """Return the state of a window without records."""
        ...

    def result(self, state: Any, /) -> Any:
        """Return the value of a window."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """A function with fields bound to its parameters, and options. Make one with ``call``.

    Attributes:
        func: The user's own function or aggregator.
        bind: The field that each bound parameter reads.
        options: What the user set for this use.

    Example:
        >>> call(abs, x="temp_f").bind
        {'x': 'temp_f'}
    """

    func: Callable[..., Any] | Aggregator
    bind: Mapping[str, str]
    options: Options


Callee: TypeAlias = Callable[..., Any] | Call


def call(
    func: Callable[..., Any] | Aggregator,
    /,
    *,
    on_null: OnNull = "null",
    on_error: OnError = "dlq",
    timeout: float = 60.0,
    returns: Any = None,
    **bind: str,
) -> Call:
    """Bind a function's parameters to fields of other names, or set options for this use.

    Args:
        func: A plain function, or an aggregator.
        on_null: What happens where a parameter that is not Optional meets a null: ``"null"`` gives
            null without a call, ``"call"`` calls with None, ``"dlq"`` makes a dead letter.
        on_error: What happens to a row whose call raised: ``"dlq"`` makes a dead letter, ``"skip"``
            leaves the record out, ``"stop"`` ends the run.
        timeout: The longest time that one call may take, in seconds.
        returns: The type of the result, where the annotation does not say it.
        **bind: Parameter = name of the field that it reads.

    Raises:
        DefinitionError: An option has a value that it cannot have, or a field is no name.

    Example:
        >>> import pyudf as pu
        >>> def fahrenheit(celsius: float) -> float:
        ...     return celsius * 1.8 + 32
        >>> app = pu.App("demo")
        >>> readings = app.topic("readings")
        >>> readings.with_columns(f=pu.call(fahrenheit, celsius="temp_c", on_null="dlq"))
        <Stream with_columns-1 of app 'demo'>
    """
    origin = Origin.caller()
    name = getattr(func, "__name__", repr(func))
    options = Options(on_null, on_error, timeout, returns)
    options.check(name, origin)
    for parameter, bound in bind.items():
        if not isinstance(bound, str) or not bound:
            message = f"{name}: {parameter}={bound!r}; write the name of a field"
            raise DefinitionError(message, origin)
    return Call(func, dict(bind), options)


def as_call(func: Callee | Aggregator, options: Options = DEFAULTS) -> Call:
    """Return a function as a call, with the options unless it has its own.

    Raises:
        DefinitionError: Options are set in both places.

    Example:
        >>> as_call(abs).bind
        {}
    """
    if not isinstance(func, Call):
        return Call(func, {}, options)
    if options == DEFAULTS:
        return func
    name = getattr(func.func, "__name__", repr(func.func))
    message = f"pu.call({name}, ...) has its own options; set them there only"
    raise DefinitionError(message, Origin.caller())
