"""A user's function as the engine and the worker need to know it, derived from its signature."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pyudf._annotations import Container
from pyudf._definition import (
    EVENT_TIME,
    Function,
    OnError,
    OnNull,
    Options,
    Output,
    Param,
    StateParam,
    TimerParam,
)
from pyudf._signature import derive
from pyudf.errors import Origin
from pyudf.schema import Fields, parse_schema

__all__ = [
    "EVENT_TIME",
    "Container",
    "Function",
    "OnError",
    "OnNull",
    "Options",
    "Output",
    "Param",
    "StateParam",
    "TimerParam",
    "define",
    "derive",
]


def define(
    func: Callable[..., Any],
    *,
    schema: object = None,
    on_null: OnNull = "null",
    on_error: OnError = "dlq",
    timeout: float = 60.0,
    returns: Any = None,
    bind: Mapping[str, str] | None = None,
) -> Function:
    """Return what a function's signature says. The function itself is not touched.

    Args:
        func: A plain function with annotated parameters and result.
        schema: What is known of the fields that it reads: ``Fields`` or a schema; None: nothing.
        on_null: See ``Options``.
        on_error: See ``Options``.
        timeout: See ``Options``; in seconds.
        returns: See ``Options``.
        bind: The fields that parameters read, where they have other names.

    Raises:
        DefinitionError: The signature is ambiguous, or does not fit the fields. The message says
            what to write.

    Example:
        >>> def fahrenheit(celsius: float) -> float:
        ...     return celsius * 1.8 + 32
        >>> function = define(fahrenheit, on_null="dlq")
        >>> function.container, function.result_type
        (<Container.SCALAR: 'a scalar'>, <FieldType.FLOAT64: 3>)
    """
    options = Options(on_null, on_error, timeout, returns)
    used_at = Origin.caller()
    fields = schema
    if not isinstance(fields, Fields):
        fields = Fields.of(parse_schema(schema, used_at))
    return derive(func, fields, bind or {}, options, used_at)
