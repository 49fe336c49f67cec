"""Streams: what a user builds a pipeline from."""

from __future__ import annotations

import html
import os
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pyudf import _graph
from pyudf._aggregation import aggregate, check_window
from pyudf._keys import read_keys
from pyudf._places import FileTarget, target_place
from pyudf._site import Site
from pyudf.aggregates import Aggregate
from pyudf.calls import Aggregator, Call, Callee, as_call
from pyudf.errors import DefinitionError, Origin
from pyudf.expressions import Expr
from pyudf.functions import OnError, OnNull, Options, Output
from pyudf.schema import Fields, result_fields, result_schema
from pyudf.types import FieldType
from pyudf.windows import Window

__all__ = ["Stream", "Windowed"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Stream:
    """Records at one place of a pipeline. A step never changes a stream, it returns a new one.

    Any number of steps may follow one stream: each sees all of its records.

    Attributes:
        graph: The pipeline that the stream is part of; pyudf's own.
        id: What the plan calls the stream.
        fields: What is known of the records' fields.
        key: The fields that the records are keyed by, as they were where the key was made; None:
            the record's own key as it stands.

    Example:
        >>> import pyudf as pu
        >>> app = pu.App("alerts")
        >>> weather = app.topic("weather", schema={"station": str, "temp_f": float})
        >>> weather.where(pu.col("temp_f") > 100).select("station").to("hot")
    """

    graph: _graph.Graph = field(hash=False)
    id: str
    fields: Fields = field(default_factory=Fields, hash=False)
    key: Fields | None = field(default=None, hash=False)

    def __repr__(self) -> str:
        """Return a short description."""
        return f"<Stream {self.id} of app {self.graph.app!r}>"

    def _repr_html_(self) -> str:
        """Return what leads to the stream as a graph."""
        from pyudf import _asking  # noqa: PLC0415 - only a notebook asks

        return _asking.drawn(self.graph, self.id) or html.escape(repr(self))

    def show(
        self, data: Any = None, *, n: int = 10, errors: Literal["raise", "collect"] = "raise"
    ) -> None:
        """Replay up to this stream and show its first records: a table in a notebook, else text.

        Args:
            data: As for ``App.replay``; None: what the source was replayed on or shown with last,
                or the file that it is.
            n: How many records.
            errors: As for ``App.replay``.

        Raises:
            ReplayError: As for ``App.replay``, or there is no data.

        Example:
            >>> import pyudf as pu
            >>> weather = pu.App("demo").topic("weather")
            >>> def celsius(temp_f: float) -> float:
            ...     return (temp_f - 32) / 1.8
            >>> weather.with_columns(temp_c=celsius).show([{"temp_f": 212.0}])
            pyarrow.Table
            temp_f: double
            temp_c: double
            ----
            temp_f: [[212]]
            temp_c: [[100]]
            1 of 1 records. Replay of 1 records in ...
        """
        __tracebackhide__ = True
        from pyudf import _asking  # noqa: PLC0415 - only who replays pays for it

        replay, frame = _asking.shown(self.graph, self.id, data, errors)
        _asking.show(replay, frame, n)

    def head(self, n: int = 5) -> Any:
        """Return the first records of this stream as a frame.

        The data is what its source was replayed on or shown with last, or the file that it is.

        Args:
            n: How many records.

        Raises:
            ReplayError: As for ``App.replay``, or there is no data.

        Example:
            >>> import pyudf as pu
            >>> app = pu.App("demo")
            >>> weather = app.topic("weather")
            >>> weather.to("copy")
            >>> replay = app.replay([{"temp_f": 212.0}])
            >>> weather.where(pu.col("temp_f") > 100).head().to_pylist()
            [{'temp_f': 212.0}]
        """
        __tracebackhide__ = True
        from pyudf import _asking  # noqa: PLC0415 - only who replays pays for it

        _, frame = _asking.shown(self.graph, self.id, None, "raise")
        return _asking.head(frame, n)

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
        fields, site = self.fields, self._site(origin)
        for name, value in columns.items():
            column, type_ = site.column(name, value)
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
        type_ = self._site(origin).infer(condition, "where()")
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
        self._site(origin).check_names("select", names)
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
        self._site(origin).check_names("drop", names)
        return self._then(_graph.Drop(names), self.fields.drop(names), origin)

    def key_by(self, *keys: str | Expr | Callee, **named: Expr | Callee) -> Stream:
        """Make one or several fields the key of the records from here on.

        A record in which one of them is null or missing is a dead letter.

        Args:
            *keys: Names of fields, or functions, which add a field of their name.
            **named: Name of a field to add = the expression or function that computes it.

        Raises:
            DefinitionError: A field does not exist or is named twice, or as for ``with_columns``.

        Example:
            >>> import pyudf as pu
            >>> orders = pu.App("demo").topic("orders")
            >>> orders.key_by("courier")
            <Stream key_by-1 of app 'demo'>
            >>> orders.key_by("city", zone=pu.col("zip") // 1000)
            <Stream key_by-3 of app 'demo'>
        """
        origin = self.graph.here()
        names, computed = read_keys(self._site(origin), keys, named)
        stream = self.with_columns(**computed) if computed else self
        step = self.graph.add_step(stream.id, _graph.KeyBy(names), origin)
        return replace(stream, id=step, key=stream.fields.select(names))

    def window(self, window: Window) -> Windowed:
        """Put the records of each key into windows, to be aggregated.

        Args:
            window: ``pu.tumbling``, ``pu.hopping``, ``pu.sliding``, ``pu.session``, ``pu.count(n)``
                or ``pu.global_``.

        Raises:
            DefinitionError: It is no window, or a field of it does not exist or fit.

        Example:
            >>> import pyudf as pu
            >>> orders = pu.App("demo").topic("orders").key_by("courier")
            >>> orders.window(pu.session("45m", min_events=2)).agg(n=pu.count())
            <Stream aggregate-2 of app 'demo'>
        """
        origin = self.graph.here()
        return Windowed(self, check_window(self._site(origin), window))

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
        return self._map(as_call(func, Options(on_null, on_error, timeout)), several=False)

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
        return self._map(as_call(func, Options(on_null, on_error, timeout)), several=True)

    def apply(self, func: Callee) -> Stream:
        """Do ``map`` or ``flat_map``, whichever the function's signature asks for.

        Example:
            >>> import pyudf as pu
            >>> def same(row: dict) -> dict:
            ...     return row
            >>> pu.App("demo").topic("weather").apply(same)
            <Stream map-1 of app 'demo'>
        """
        return self._map(as_call(func), several=None)

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
        return replace(self, id=self.graph.add_step(self.id, op, origin), fields=fields)

    def _site(self, origin: Origin) -> Site:
        return Site(self.graph, self.fields, self.key is not None, origin)

    def _map(self, callee: Call, several: bool | None) -> Stream:
        origin = self.graph.here()
        function, bound = self._site(origin).bind(callee)
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
        made = function.result if function.record_results_agree else dict
        op = _graph.Map(bound, result_schema(made, origin))
        return self._then(op, result_fields(made, origin), origin)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Windowed:
    """The records of a stream in windows. ``agg`` makes a stream of them.

    Attributes:
        stream: Whose records they are.
        window: Which of them belong together.

    Example:
        >>> import pyudf as pu
        >>> pu.App("demo").topic("weather", key="station").window(pu.tumbling("10s"))
        <Windowed weather of app 'demo'>
    """

    stream: Stream
    window: Window

    def __repr__(self) -> str:
        """Return a short description."""
        return f"<Windowed {self.stream.id} of app {self.stream.graph.app!r}>"

    def agg(self, **aggregates: Aggregate | Callee | Aggregator) -> Stream:
        """Replace the records of each key and window by one record.

        It has the fields of the key, ``window_start`` and ``window_end`` in ms since the epoch
        (of ``pu.count`` the times of its first and last record; none of ``pu.global_``), and the
        aggregates. Unless the window tells only final results, it also has ``rev``, the number of
        the result, and ``final``, whether it is the last.

        Args:
            **aggregates: Name of the field = an aggregate such as ``pu.mean("temp_f")``, a function
                over the window's rows, or an aggregator, also with ``pu.call``. A function takes
                all fields (``df: pd.DataFrame``, ``pa.Table``), the records (``list[dict]``) or
                fields by the names of its parameters (``list[float]``, ``pd.Series``,
                ``np.ndarray``, ``pa.Array``), and returns one value. An aggregator is a class with
                ``create(self)``, ``add(self, state, temp_f: float)`` or ``add_batch``,
                ``result(self, state)``, and ``merge(self, a, b)`` if states can be merged.

        Raises:
            DefinitionError: A field does not exist, a type does not fit, two fields have one name,
                or a signature is ambiguous.

        Example:
            >>> import pyudf as pu
            >>> weather = pu.App("demo").topic("weather", key="station")
            >>> def spread(temp_f: list[float]) -> float:
            ...     return max(temp_f) - min(temp_f)
            >>> daily = weather.window(pu.tumbling("1d"))
            >>> list(daily.agg(mean=pu.mean("temp_f"), spread=spread).fields.types)
            ['station', 'window_start', 'window_end', 'mean', 'spread']
        """
        stream = self.stream
        origin = stream.graph.here()
        site = Site(stream.graph, stream.fields, stream.key is not None, origin)
        op, fields = aggregate(site, stream.key, self.window, aggregates)
        return replace(stream, id=stream.graph.add_step(stream.id, op, origin), fields=fields)
