"""Streams: what a user builds a pipeline from."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pyudf import _graph
from pyudf._inference import ExpressionError, infer
from pyudf._places import FileTarget, target_place
from pyudf.errors import DefinitionError, Origin
from pyudf.expressions import Column, Expr
from pyudf.functions import Function, OnError, OnNull, Options, Output, derive
from pyudf.schema import Fields, result_fields, result_schema
from pyudf.types import FieldType

__all__ = ["Call", "Stream", "call"]

_DEFAULTS = Options()


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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Stream:
    """Records at one place of a pipeline. A step never changes a stream, it returns a new one.

    Any number of steps may follow one stream: each sees all of its records.

    Attributes:
        graph: The pipeline that the stream is part of; pyudf's own.
        id: What the plan calls the stream.
        fields: What is known of the records' fields.

    Example:
        >>> import pyudf as pu
        >>> app = pu.App("alerts")
        >>> weather = app.topic("weather", schema={"station": str, "temp_f": float})
        >>> weather.where(pu.col("temp_f") > 100).select("station").to("hot")
    """

    graph: _graph.Graph = field(hash=False)
    id: str
    fields: Fields = field(default_factory=Fields, hash=False)

    def __repr__(self) -> str:
        """Return a short description."""
        return f"<Stream {self.id} of app {self.graph.app!r}>"

    def with_columns(self, **columns: Expr | Callee) -> Stream:
        """Add fields, or replace them.

        All columns read the records as they come in: none sees another one of the same step.

        Args:
            **columns: Name of the field = an expression, a function that returns one value, or a
                function with ``pu.call``. Parameters of functions read the fields of their names.

        Raises:
            DefinitionError: A field does not exist, a type does not fit, or a function's signature
                is ambiguous.

        Example:
            >>> import pyudf as pu
            >>> weather = pu.App("demo").topic("weather")
            >>> def fahrenheit(celsius: float) -> float:
            ...     return celsius * 1.8 + 32
            >>> weather.with_columns(f=fahrenheit, k=pu.col("celsius") + 273.15)
            <Stream with_columns-1 of app 'demo'>
        """
        origin = self.graph.here()
        if not columns:
            message = "with_columns() needs at least one name=value"
            raise DefinitionError(message, origin)
        made: list[tuple[str, Expr | _graph.Bound]] = []
        fields = self.fields
        for name, value in columns.items():
            column, type_ = self._column(name, value, origin)
            made.append((name, column))
            fields = fields.with_field(name, type_)
        return self._then(_graph.WithColumns(tuple(made)), fields, origin)

    def where(self, condition: Expr) -> Stream:
        """Keep the records for which a condition is true; false and null drop out.

        Args:
            condition: An expression that is true or false.

        Raises:
            DefinitionError: A field does not exist, or the expression is no condition.

        Example:
            >>> import pyudf as pu
            >>> weather = pu.App("demo").topic("weather")
            >>> weather.where((pu.col("temp_f") > 100) & pu.col("rh").is_not_null())
            <Stream where-1 of app 'demo'>
        """
        origin = self.graph.here()
        if not isinstance(condition, Expr):
            message = (
                f'where() takes a condition such as pu.col("x") > 1, not {condition!r}; for a '
                'function write with_columns(ok=function) and where(pu.col("ok"))'
            )
            raise DefinitionError(message, origin)
        type_ = self._infer(condition, "where()", origin)
        if type_ not in (FieldType.BOOL, None):
            message = (
                f"where() takes a condition, {condition!r} is {type_}; compare it with something"
            )
            raise DefinitionError(message, origin)
        return self._then(_graph.Where(condition), self.fields, origin)

    def select(self, *names: str) -> Stream:
        """Keep only some fields, in the order given.

        Raises:
            DefinitionError: A field does not exist or is named twice.

        Example:
            >>> import pyudf as pu
            >>> pu.App("demo").topic("weather").select("station", "temp_f").fields.closed
            True
        """
        origin = self.graph.here()
        self._check_names("select", names, origin)
        return self._then(_graph.Select(names), self.fields.select(names), origin)

    def drop(self, *names: str) -> Stream:
        """Remove some fields.

        Raises:
            DefinitionError: A field does not exist or is named twice.

        Example:
            >>> import pyudf as pu
            >>> pu.App("demo").topic("weather").drop("comment")
            <Stream drop-1 of app 'demo'>
        """
        origin = self.graph.here()
        self._check_names("drop", names, origin)
        return self._then(_graph.Drop(names), self.fields.drop(names), origin)

    def map(
        self,
        func: Callee,
        *,
        on_null: OnNull = "null",
        on_error: OnError = "dlq",
        timeout: float = 60.0,
    ) -> Stream:
        """Replace each record by the record that a function returns; None drops it.

        Args:
            func: Takes the whole record as its one parameter (``dict``, TypedDict, dataclass,
                msgspec.Struct, pydantic model), or a batch of them (DataFrame, Table).
            on_null: See ``pu.call``.
            on_error: See ``pu.call``.
            timeout: See ``pu.call``; in seconds.

        Raises:
            DefinitionError: The function does not return one record, or its signature is ambiguous.

        Example:
            >>> import pyudf as pu
            >>> def slim(row: dict) -> dict | None:
            ...     return {"t": row["temp_f"]} if "temp_f" in row else None
            >>> pu.App("demo").topic("weather").map(slim)
            <Stream map-1 of app 'demo'>
        """
        return self._map(_callee(func, Options(on_null, on_error, timeout)), several=False)

    def flat_map(
        self,
        func: Callee,
        *,
        on_null: OnNull = "null",
        on_error: OnError = "dlq",
        timeout: float = 60.0,
    ) -> Stream:
        """Replace each record by the records that a function returns or yields.

        Args:
            func: As for ``map``, but returns an iterable of records, or is a generator.
            on_null: See ``pu.call``.
            on_error: See ``pu.call``.
            timeout: See ``pu.call``; in seconds, for all records of one row.

        Raises:
            DefinitionError: The function returns no iterable, or its signature is ambiguous.

        Example:
            >>> import pyudf as pu
            >>> from collections.abc import Iterator
            >>> def lines(order: dict) -> Iterator[dict]:
            ...     for item in order["items"]:
            ...         yield {"order": order["id"], "item": item}
            >>> pu.App("demo").topic("orders").flat_map(lines)
            <Stream map-1 of app 'demo'>
        """
        return self._map(_callee(func, Options(on_null, on_error, timeout)), several=True)

    def apply(self, func: Callee) -> Stream:
        """Do ``map`` or ``flat_map``, whichever the function's signature asks for.

        Example:
            >>> import pyudf as pu
            >>> def same(row: dict) -> dict:
            ...     return row
            >>> pu.App("demo").topic("weather").apply(same)
            <Stream map-1 of app 'demo'>
        """
        return self._map(_callee(func, _DEFAULTS), several=None)

    def to(
        self, target: str | FileTarget | os.PathLike[str], *, retention: str | None = None
    ) -> None:
        """Write the records to a topic or a file.

        Args:
            target: The name of a topic, which is created if it does not exist; or ``pu.file(path)``
                or a ``pathlib.Path`` for a file (``.jsonl``, ``.ndjson``, ``.parquet``).
            retention: How long a topic that is created keeps its records, by their timestamps:
                a number and ``ms s m h d`` or ``w``, ``"7d"`` for example. None: without limit.

        Raises:
            DefinitionError: The target is no valid name, or the app reads or writes it already.

        Example:
            >>> import pyudf as pu
            >>> weather = pu.App("demo").topic("weather")
            >>> weather.to("weather_copy", retention="7d")
            >>> weather.to(pu.file("weather.parquet"))
        """
        origin = self.graph.here()
        place = target_place(target, retention, origin)
        self.graph.check_target(place, origin)
        self.graph.add_step(self.id, _graph.To(place), origin)

    def _then(self, op: _graph.Op, fields: Fields, origin: Origin) -> Stream:
        return Stream(self.graph, self.graph.add_step(self.id, op, origin), fields)

    def _column(
        self, name: str, value: object, origin: Origin
    ) -> tuple[Expr | _graph.Bound, FieldType | None]:
        if isinstance(value, Expr):
            type_ = self._infer(value, f"column {name!r}", origin)
            # A copy of a field that nobody declared keeps whatever JSON value it has.
            return value, FieldType.JSON if type_ is None and isinstance(value, Column) else type_
        if not callable(value) and not isinstance(value, Call):
            message = f"column {name!r} is {value!r}; for a constant write pu.lit({value!r})"
            raise DefinitionError(message, origin)
        function, bound = self._bind(_callee(value, _DEFAULTS), origin)
        if function.output is not Output.COLUMN:
            message = (
                f"column {name!r}: {function.name} returns records, not one value a record; use "
                ".map or .flat_map, or return a scalar"
            )
            raise DefinitionError(message, origin)
        return bound, function.result_type

    def _map(self, callee: Call, several: bool | None) -> Stream:
        origin = self.graph.here()
        function, bound = self._bind(callee, origin)
        if function.output is not Output.RECORDS:
            message = (
                f"{function.name} returns one value, not records; write "
                f".with_columns(name={function.name}), or return a dict from (row: dict)"
            )
            raise DefinitionError(message, origin)
        if several not in (None, function.many) and not function.container.vectorised:
            right, wrong = ("flat_map", "map") if function.many else ("map", "flat_map")
            what = "several records" if function.many else "one record"
            message = f"{function.name} returns {what} a record; write .{right} instead of .{wrong}"
            raise DefinitionError(message, origin)
        op = _graph.Map(bound, result_schema(function.result, origin))
        return self._then(op, result_fields(function.result, origin), origin)

    def _bind(self, callee: Call, origin: Origin) -> tuple[Function, _graph.Bound]:
        function = derive(callee.func, self.fields, callee.bind, callee.options, origin)
        function = self.graph.intern(function)
        args = tuple((p.name, callee.bind.get(p.name, p.name)) for p in function.params)
        return function, _graph.Bound(function, args)

    def _infer(self, expr: Expr, what: str, origin: Origin) -> FieldType | None:
        try:
            return infer(expr, self.fields)
        except ExpressionError as err:
            message = f"{what}: {err}"
            raise DefinitionError(message, origin) from None

    def _check_names(self, what: str, names: tuple[str, ...], origin: Origin) -> None:
        if not names:
            message = f"{what}() needs at least one name of a field"
            raise DefinitionError(message, origin)
        for i, name in enumerate(names):
            if not isinstance(name, str) or not name:
                message = f"{what}() takes names of fields, not {name!r}"
            elif name in names[:i]:
                message = f"{what}() names the field {name!r} twice"
            elif not self.fields.has(name):
                message = f"{what}(): {self.fields.missing(name)}"
            else:
                continue
            raise DefinitionError(message, origin)


def _callee(func: Callee, options: Options) -> Call:
    """Return a function as a call, with the options unless it has its own."""
    if not isinstance(func, Call):
        return Call(func, {}, options)
    if options == _DEFAULTS:
        return func
    message = f"pu.call({func.func.__name__}, ...) has its own options; set them there only"
    raise DefinitionError(message, Origin.caller())
