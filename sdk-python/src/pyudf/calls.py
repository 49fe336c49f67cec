"""Functions as users hand them to a step: as they are, or with ``call``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pyudf.errors import DefinitionError, Origin
from pyudf.functions import OnError, OnNull, Options

__all__ = ["Call", "Callee", "as_call", "call"]

DEFAULTS = Options()


@dataclass(frozen=True, slots=True)
class Call:
    """A function with fields bound to its parameters, and options. Make one with ``call``.

    Attributes:
        func: The user's own function.
        bind: The field that each bound parameter reads.
        options: What the user set for this use.

    Example:
        >>> call(abs, x="temp_f").bind
        {'x': 'temp_f'}
    """

    func: Callable[..., Any]
    bind: Mapping[str, str]
    options: Options


Callee: TypeAlias = Callable[..., Any] | Call


def call(
    func: Callable[..., Any],
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
        func: A plain function.
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


def as_call(func: Callee, options: Options = DEFAULTS) -> Call:
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
    message = f"pu.call({func.func.__name__}, ...) has its own options; set them there only"
    raise DefinitionError(message, Origin.caller())
