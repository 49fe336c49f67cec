"""The pipeline of one app as it grows: sources, steps and functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias

from pyudf import aggregates
from pyudf._custom import CustomFunctions
from pyudf._definition import Function
from pyudf.errors import DefinitionError, Origin
from pyudf.eventtime import EventTime
from pyudf.expressions import Expr
from pyudf.types import Field
from pyudf.windows import Window


class Topic(NamedTuple):
    """A Kafka topic. The retention is in milliseconds, 0: without limit."""

    name: str
    format: str = "json"
    retention_ms: int = 0

    def __str__(self) -> str:
        """Return how messages name it."""
        return f"topic {self.name!r}"


class File(NamedTuple):
    """A file that is read once, or written. The format is json, csv or parquet."""

    name: str
    format: str

    def __str__(self) -> str:
        """Return how messages name it."""
        return f"file {self.name!r}"


Place: TypeAlias = Topic | File


class Source(NamedTuple):
    """A place that records come from."""

    id: str
    place: Place
    schema: tuple[Field, ...]
    key: str
    time: EventTime
    origin: Origin


class Bound(NamedTuple):
    """A function with the field that each of its parameters reads."""

    function: Function
    args: tuple[tuple[str, str], ...]


class WithColumns(NamedTuple):
    """Adds or replaces fields; all read the input of the step."""

    columns: tuple[tuple[str, Expr | Bound], ...]


class Where(NamedTuple):
    """Keeps the records for which the condition is true."""

    condition: Expr


class Select(NamedTuple):
    """Keeps some fields."""

    fields: tuple[str, ...]


class Drop(NamedTuple):
    """Removes some fields."""

    fields: tuple[str, ...]


class Map(NamedTuple):
    """Replaces each record by the function's records, of which the schema is what is known."""

    call: Bound
    schema: tuple[Field, ...] = ()


class KeyBy(NamedTuple):
    """Makes fields the key of the records."""

    fields: tuple[str, ...]


class Aggregate(NamedTuple):
    """Replaces the records of a key and window by one record."""

    window: Window
    columns: tuple[tuple[str, aggregates.Aggregate | Bound], ...]
    late: Topic
    # Of a custom window.
    functions: CustomFunctions | None = None


class To(NamedTuple):
    """Writes the records to a place."""

    place: Place


Op: TypeAlias = WithColumns | Where | Select | Drop | Map | KeyBy | Aggregate | To

OP_NAMES = {
    WithColumns: "with_columns",
    Where: "where",
    Select: "select",
    Drop: "drop",
    Map: "map",
    KeyBy: "key_by",
    Aggregate: "aggregate",
    To: "to",
}


class Step(NamedTuple):
    """One operation on the output of a source or of another step."""

    id: str
    input: str
    op: Op
    origin: Origin


@dataclass(slots=True)
class Graph:
    """What an app consists of so far. Only grows; what is in it never changes.

    Attributes:
        app: The app's name.
        origin: Where the app is defined.
        standing: What positions point at instead of the caller, for an app without a file.
        sources: In the order of their definition.
        steps: In the order of their definition, so each stands after its input.
        functions: By id.
        data: What sources were replayed on last, by the names of their places.
    """

    app: str
    origin: Origin
    standing: Origin | None = None
    sources: dict[str, Source] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    functions: dict[str, Function] = field(default_factory=dict)
    data: dict[str, object] = field(default_factory=dict)

    def here(self) -> Origin:
        """Return the place in the user's code that is using the app now."""
        return self.standing or Origin.caller()

    def add_source(self, source: Source) -> None:
        """Add a source.

        Raises:
            DefinitionError: The app already reads or writes this place.
        """
        there = self.sources.get(source.id)
        if there is not None:
            message = (
                f"{source.place} is already read, at {there.origin}; use that stream again: "
                "any number of steps can follow one stream"
            )
            raise DefinitionError(message, source.origin)
        for written in (*self._sinks(), *self._lates()):
            if _same(written.place, source.place):
                message = (
                    f"{source.place} is written by this app, at {written.origin}; go on from the "
                    "stream that is written there instead of reading it back"
                )
                raise DefinitionError(message, source.origin)
        self.sources[source.id] = source

    def add_step(self, input_id: str, op: Op, origin: Origin) -> str:
        """Add a step and return its id."""
        step = Step(f"{OP_NAMES[type(op)]}-{len(self.steps) + 1}", input_id, op, origin)
        self.steps.append(step)
        return step.id

    def check_target(self, place: Place, origin: Origin) -> None:
        """Refuse a place that cannot be written to.

        Raises:
            DefinitionError: The app already reads or writes this place, or it is reserved.
        """
        self._check_not_written(place, origin)
        for late in self._lates():
            if _same(late.place, place):
                message = (
                    f"{place} takes the records that came late for the windows at {late.origin}; "
                    "write to another topic"
                )
                raise DefinitionError(message, origin)
        if _same(self.late_topic(), place):
            message = f"{place} is for records that come too late; write to another topic"
            raise DefinitionError(message, origin)

    def late_topic(self, name: str | None = None) -> Topic:
        """Return where late records go: the topic of a name, or the app's own."""
        return Topic(name or f"{self.app}.late")

    def check_late(self, topic: Topic, origin: Origin) -> None:
        """Refuse a topic that cannot take late records. Several windows may share one.

        Raises:
            DefinitionError: The app reads it or writes a stream to it, or it is reserved.
        """
        self._check_not_written(topic, origin)

    def _check_not_written(self, place: Place, origin: Origin) -> None:
        for sink in self._sinks():
            if _same(sink.place, place):
                message = (
                    f"{place} is already written, at {sink.origin}; give each stream a place of "
                    "its own"
                )
                raise DefinitionError(message, origin)
        for source in self.sources.values():
            if _same(source.place, place):
                message = (
                    f"{place} is read by this app, at {source.origin}; writing to it would feed "
                    "the app its own output: write to another place"
                )
                raise DefinitionError(message, origin)
        if _same(Topic(f"{self.app}.dlq"), place):
            message = f"{place} takes this app's dead letters; write to another topic"
            raise DefinitionError(message, origin)

    def intern(self, function: Function) -> Function:
        """Return the function with an id that no other function of the app has."""
        timers = tuple(replace(t, callback=self.intern(t.callback)) for t in function.timers)
        function = replace(function, timers=timers)
        name, n = function.id, 1
        while not _is_one(self.functions.setdefault(function.id, function), function):
            n += 1
            function = replace(function, id=f"{name}#{n}")
        return function

    def until(self, stream: str, place: Place) -> Graph:
        """Return the pipeline that writes a stream to a place, and nothing else."""
        by_id = {step.id: step for step in self.steps}
        path: list[Step] = []
        at = stream
        while at in by_id:
            path.insert(0, by_id[at])
            at = by_id[at].input
        part = Graph(self.app, self.origin, self.standing, {at: self.sources[at]}, path)
        part.functions = self.functions
        part.steps.append(Step(f"to-{len(self.steps) + 1}", stream, To(place), self.origin))
        return part

    def written(self) -> Graph:
        """Return the pipeline without streams that lead nowhere: those of a notebook's trials."""
        by_id = {step.id: step for step in self.steps}
        used: set[str] = set()
        for step in self.steps:
            at = step.id if isinstance(step.op, To) else ""
            while at and at not in used:
                used.add(at)
                at = by_id[at].input if at in by_id else ""
        sources = {name: source for name, source in self.sources.items() if name in used}
        steps = [step for step in self.steps if step.id in used]
        part = Graph(self.app, self.origin, self.standing, sources, steps)
        part.functions = self.functions
        return part

    def check(self) -> None:
        """Refuse a pipeline that is not complete.

        Raises:
            DefinitionError: Nothing is read, nothing is written, or a stream leads nowhere.
        """
        if not self.sources:
            message = f"app {self.app!r} reads nothing; begin with app.topic(...) or app.file(...)"
            raise DefinitionError(message, self.origin)
        if next(self._sinks(), None) is None:
            message = f'app {self.app!r} writes nothing; end a stream with .to("topic")'
            raise DefinitionError(message, self.origin)
        used = {step.input for step in self.steps}
        for source in self.sources.values():
            if source.id not in used:
                message = f'{source.place} is never used; remove it, or end it with .to("topic")'
                raise DefinitionError(message, source.origin)
        for step in self.steps:
            if step.id not in used and not isinstance(step.op, To):
                message = (
                    f"the stream that .{OP_NAMES[type(step.op)]}(...) returns is never used; "
                    'remove it, or end it with .to("topic")'
                )
                raise DefinitionError(message, step.origin)

    def _sinks(self) -> Iterator[_Written]:
        for step in self.steps:
            if isinstance(step.op, To):
                yield _Written(step.op.place, step.origin)

    def _lates(self) -> Iterator[_Written]:
        for step in self.steps:
            if isinstance(step.op, Aggregate):
                yield _Written(step.op.late, step.origin)


class _Written(NamedTuple):
    place: Place
    origin: Origin


def _is_one(one: Function, other: Function) -> bool:
    """Tell whether two uses are of one function.

    Of an aggregator they are if they name one class or one instance: what its ``__eq__`` says of
    two instances may leave out what makes their results differ.
    """
    if one.aggregator is not None and one.call is not other.call:
        return False
    return one == other


def _same(one: Place, other: Place) -> bool:
    return type(one) is type(other) and one.name == other.name
