"""An app: what it reads, and the functions on the way to what it writes."""

from __future__ import annotations

import html
import os
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pyudf._graph import Graph, Place, Source, Topic
from pyudf._names import check_name
from pyudf._places import FileFormat, FileTarget, TopicFormat, file_place, target_place
from pyudf.calls import Callee, call
from pyudf.errors import DefinitionError, Origin
from pyudf.eventtime import EventTime
from pyudf.expressions import Expr
from pyudf.functions import Function, OnError, OnNull
from pyudf.schema import Fields, Schema, parse_schema
from pyudf.stream import Stream

if TYPE_CHECKING:
    from pyudf._asking import Moment
    from pyudf.plan.v1 import plan_pb2
    from pyudf.replay import Replay

__all__ = ["App"]

F = TypeVar("F", bound=Callable[..., Any])


class App:
    """A pipeline under construction, with a name.

    The name is that of the consumer group, and dead letters go to the topic ``<name>.dlq``.

    Example:
        >>> import pyudf as pu
        >>> app = pu.App("heat")
        >>> weather = app.topic("weather", key="station", time="time")
        >>> @app.udf(weather, to="celsius", column="temp_c")
        ... def celsius(temp_f: float) -> float:
        ...     return (temp_f - 32) / 1.8
        >>> celsius(212)
        100.0
    """

    def __init__(self, name: str, *, defined_at: Origin | None = None) -> None:
        """Begin an app.

        Args:
            name: Letters, digits, dots, underscores and hyphens, as in a topic's name.
            defined_at: For loaders: the place that stands for the app and all that is done with
                it; None: wherever the app is used.

        Raises:
            DefinitionError: The name cannot be one of a topic.
        """
        origin = defined_at or Origin.caller()
        self._graph = Graph(check_name(name, "app name", origin), origin, standing=defined_at)

    @property
    def name(self) -> str:
        """The app's name.

        Example:
            >>> import pyudf as pu
            >>> pu.App("heat").name
            'heat'
        """
        return self._graph.app

    @property
    def defined_at(self) -> Origin:
        """Where the app is defined.

        Example:
            >>> import pyudf as pu
            >>> pu.App("heat").defined_at.line
            1
        """
        return self._graph.origin

    def __repr__(self) -> str:
        """Return a short description."""
        return f"<App {self.name!r}>"

    def _repr_html_(self) -> str:
        """Return the app as a graph."""
        from pyudf import _asking  # noqa: PLC0415 - only a notebook asks

        return _asking.drawn(self._graph, None) or html.escape(repr(self))

    def topic(
        self,
        name: str,
        *,
        key: str | None = None,
        time: str | EventTime | None = None,
        format: TopicFormat = "json",  # noqa: A002 - the word that users look for
        schema: Schema | None = None,
    ) -> Stream:
        """Read a Kafka topic.

        Args:
            name: The topic's name.
            key: The field that records are keyed by; None: the record's own key as it stands.
            time: The field with the event time, or ``pu.event_time(...)`` to say more of it;
                None: the record's timestamp.
            format: ``"json"`` (one object a record) or ``"csv"`` (one line a record, its columns
                those of the schema, in order).
            schema: The fields and their types: a dict such as
                ``{"temp_f": float, "rh": int | None}`` (or names: ``"float64"``), a TypedDict,
                dataclass, msgspec.Struct or pydantic model. With it the names of fields are
                checked here.

        Raises:
            DefinitionError: A name, format or type is not possible, or the app has the topic
                already.

        Example:
            >>> import pyudf as pu
            >>> app = pu.App("demo")
            >>> app.topic("weather", schema={"station": str, "temp_f": float}, key="station")
            <Stream weather of app 'demo'>
        """
        origin = self._graph.here()
        check_name(name, "topic", origin)
        if format not in ("json", "csv"):
            message = f'topic {name!r}: format={format!r}; possible are "json", "csv"'
            raise DefinitionError(message, origin)
        if format == "csv" and schema is None:
            message = (
                f"topic {name!r} is CSV without a header; declare the columns in order, for "
                "example schema={'station': str, 'temp_f': float}"
            )
            raise DefinitionError(message, origin)
        return self._read(Topic(name, format), key, time, schema)

    def file(
        self,
        path: str | os.PathLike[str],
        *,
        format: FileFormat | None = None,  # noqa: A002 - the word that users look for
        key: str | None = None,
        time: str | EventTime | None = None,
        schema: Schema | None = None,
    ) -> Stream:
        """Read a file once, from start to end.

        Args:
            path: Where it is; relative to the directory that the app is run in.
            format: ``"csv"``, ``"json"`` (one object a line) or ``"parquet"``; None: by the suffix
                ``.csv``, ``.jsonl``, ``.ndjson`` or ``.parquet``.
            key: As for ``topic``.
            time: As for ``topic``.
            schema: As for ``topic``.

        Raises:
            DefinitionError: The format is not known, or as for ``topic``.

        Example:
            >>> import pyudf as pu
            >>> pu.App("demo").file("weather.csv", time="time")
            <Stream file:weather.csv of app 'demo'>
        """
        return self._read(file_place(path, format, self._graph.here()), key, time, schema)

    def _read(
        self, place: Place, key: str | None, time: str | EventTime | None, schema: Schema | None
    ) -> Stream:
        origin = self._graph.here()
        declared = parse_schema(schema, origin)
        fields = Fields.of(declared)
        when = time if isinstance(time, EventTime) else EventTime(time)
        for option, name in (("key", key), ("time", when.field)):
            if name is None:
                continue
            if not isinstance(name, str) or not name:
                message = f"{place}: {option}={name!r}; write the name of a field"
                raise DefinitionError(message, origin)
            if not fields.has(name):
                message = f"{place}: {option}={name!r}: {fields.missing(name)}"
                raise DefinitionError(message, origin)
        source_id = place.name if isinstance(place, Topic) else f"file:{place.name}"
        source = Source(source_id, place, declared, key or "", when, origin)
        self._graph.add_source(source)
        return Stream(self._graph, source.id, fields, fields.select([key]) if key else None)

    def udf(
        self,
        source: Stream,
        *,
        to: str | FileTarget | os.PathLike[str] | None = None,
        column: str | None = None,
        key: str | Expr | Callee | None = None,
        on_null: OnNull = "null",
        on_error: OnError = "dlq",
        timeout: float = 60.0,
        returns: Any = None,
    ) -> Callable[[F], F]:
        """Put a function on a stream. The function itself is returned unchanged.

        Args:
            source: The stream that the function reads.
            to: Where the result goes, as for ``Stream.to``.
            column: The field that takes the function's value. None: the function returns records,
                which replace what it read.
            key: What the records are keyed by before, as for ``Stream.key_by``; None: as they are.
            on_null: See ``pu.call``.
            on_error: See ``pu.call``.
            timeout: See ``pu.call``; in seconds.
            returns: See ``pu.call``.

        Raises:
            DefinitionError: ``to`` is missing, or as for ``with_columns``, ``map`` and ``to``.

        Example:
            >>> import pyudf as pu
            >>> app = pu.App("demo")
            >>> weather = app.topic("weather")
            >>> @app.udf(weather, to="hot")
            ... def hot(row: dict) -> dict | None:
            ...     return row if row["temp_f"] > 100 else None
            >>> hot({"temp_f": 90})
        """
        origin = self._graph.here()
        self._check_source(source, origin)
        if to is None:
            message = (
                "@app.udf needs to= for the result; to go on from it in the app, leave the "
                "decorator out and write stream.with_columns(name=function) or stream.map(function)"
            )
            raise DefinitionError(message, origin)
        self._graph.check_target(target_place(to, None, origin), origin)

        def register(func: F) -> F:
            callee = call(
                func, on_null=on_null, on_error=on_error, timeout=timeout, returns=returns
            )
            read = source if key is None else source.key_by(key)
            made = read.apply(callee) if column is None else read.with_columns(**{column: callee})
            made.to(to)
            return func

        return register

    def _check_source(self, source: object, origin: Origin) -> None:
        if not isinstance(source, Stream):
            message = (
                f"@app.udf takes the stream to read, not {source!r}; write "
                '@app.udf(app.topic("weather"), to=..., column=...)'
            )
            raise DefinitionError(message, origin)
        if source.graph is not self._graph:
            message = f"{source!r} belongs to another app than {self.name!r}; use one app for both"
            raise DefinitionError(message, origin)

    def replay(
        self,
        data: Any = None,
        *,
        timestamp: str | None = None,
        flush: bool = True,
        errors: Literal["raise", "collect"] = "raise",
        kafka: str | Mapping[str, str] | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        topics: Collection[str] | None = None,
    ) -> Replay:
        """Run the app on data that lies still, and return what it writes.

        The engine is the real one, without a broker: results are those of the stream, if the rows
        are in the order in which its records arrive. Functions run in this process, so that they
        may be any that a notebook defines.

        Args:
            data: For each topic or file that the app reads, by its name: a DataFrame of pandas or
                polars, a ``pyarrow.Table``, a list of dicts, or the path of a CSV, JSON lines or
                Parquet file. If the app reads one thing, its data alone will do. Files that the
                app names itself may be left out.
            timestamp: The column with the records' timestamps; None: they are the numbers of the
                rows, in ms. A source with ``time=`` takes its own field instead.
            flush: Whether windows that are open at the end are closed.
            errors: ``"raise"``: what a function raises is raised here; ``"collect"``: the row is in
                ``.dead``, as it is a dead letter in production.
            kafka: Where topics are read that there is no data for: ``"host:9092"``, or settings of
                librdkafka (``{"bootstrap.servers": ..., "sasl.username": ...}``).
            since: From where on a topic is read: ``"1h"`` for an hour ago, a datetime, or ISO 8601
                text; None: from its beginning.
            until: Up to where; None: what is there now.
            topics: The topics to read there; None: all that there is no data for.

        Raises:
            ReplayError: The data does not fit the app, or the engine cannot run it.
            DefinitionError: The app reads or writes nothing, or options do not go together. Streams
                that lead nowhere are left out.

        Example:
            >>> import pyudf as pu
            >>> app = pu.App("demo")
            >>> weather = app.topic("weather")
            >>> @app.udf(weather, to="metric", column="temp_c")
            ... def celsius(temp_f: float) -> float:
            ...     return (temp_f - 32) / 1.8
            >>> app.replay([{"temp_f": 212.0}])["metric"].to_pylist()
            [{'temp_f': 212.0, 'temp_c': 100.0}]
        """
        __tracebackhide__ = True
        from pyudf import _asking  # noqa: PLC0415 - only who replays pays for it

        origin = self._graph.here()
        written = self._graph.written()
        (written if written.steps else self._graph).check()
        slices = _asking.slices(kafka, since, until, topics, origin)
        request = _asking.request(self._graph, data, timestamp, flush, errors, slices, origin)
        return _asking.replay(self._graph, request)

    def functions(self) -> dict[str, Function]:
        """Return the app's functions by their ids in the plan.

        Example:
            >>> import pyudf as pu
            >>> pu.App("demo").functions()
            {}
        """
        return dict(self._graph.functions)

    def plan(self) -> plan_pb2.Plan:
        """Return the app as data for the engine.

        Raises:
            DefinitionError: The app reads nothing, writes nothing, or has a stream that is never
                used.

        Example:
            >>> import pyudf as pu
            >>> app = pu.App("copy")
            >>> app.topic("weather").to("weather_copy")
            >>> [source.topic.name for source in app.plan().sources]
            ['weather']
        """
        from pyudf import _plan  # noqa: PLC0415 - protobuf is only needed here

        self._graph.check()
        return _plan.build(self._graph)
