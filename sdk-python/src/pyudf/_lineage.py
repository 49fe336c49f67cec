"""What becomes of a source's fields on the way through a pipeline."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pyudf import _graph
from pyudf._annotations import Container
from pyudf.expressions import Column, Expr, Operation
from pyudf.types import FieldType

__all__ = ["Layout", "Read", "Reads", "layout", "reads_of"]


class Read(NamedTuple):
    """A field of a source that something reads. Without it, nothing that is required can run."""

    name: str
    required: bool
    by: str
    type: FieldType | None = None


@dataclass(slots=True)
class Reads:
    """What a pipeline reads of a source.

    Attributes:
        fields: The fields that steps read by their names.
        whole: Whether something takes whole records, or needs those of a key in order.
        timed: Whether something needs to know of what key and of when records are.
    """

    fields: list[Read] = field(default_factory=list)
    whole: bool = False
    timed: bool = False

    def names(self) -> set[str]:
        """Return the names of the fields."""
        return {read.name for read in self.fields}


def reads_of(graph: _graph.Graph, source: _graph.Source) -> Reads:
    """Return what the steps behind a source read of it."""
    reads = Reads()
    place = str(source.place)
    _follow(graph, source.id, frozenset(), reads)
    # Where no step needs a key or a time, records may lack them.
    for name, option in ((source.key, "key"), (source.time.field, "time")):
        if name and reads.whole:
            reads.fields.append(Read(name, reads.timed, f"{place} as its {option}="))
    return reads


def _follow(graph: _graph.Graph, input_id: str, made: frozenset[str], reads: Reads) -> None:
    for step in graph.steps:
        if step.input != input_id:
            continue
        for read in _read_by(step):
            if read.name not in made:
                reads.fields.append(read)
        op = step.op
        match op:
            case _graph.WithColumns():
                reads.whole |= any(_needs_all(value) for _, value in op.columns)
                reads.timed |= any(_keeps(value) for _, value in op.columns)
                _follow(graph, step.id, made | {name for name, _ in op.columns}, reads)
            case _graph.Map():
                reads.whole = True
                reads.timed |= _keeps(op.call)
                _follow(graph, step.id, _Anything(), reads)
            case _graph.KeyBy():
                reads.whole = True
                _follow(graph, step.id, made, reads)
            case _graph.Aggregate():
                reads.whole = reads.timed = True
            case _:
                _follow(graph, step.id, made, reads)


class _Anything(frozenset[str]):
    """The fields of records that a function makes: nobody knows them."""

    def __contains__(self, name: object) -> bool:
        return True

    def __or__(self, other: object) -> _Anything:
        return self


def _keeps(value: Expr | _graph.Bound) -> bool:
    return isinstance(value, _graph.Bound) and bool(value.function.takes)


def _needs_all(value: Expr | _graph.Bound) -> bool:
    if isinstance(value, Expr):
        return False
    function = value.function
    return bool(function.container is Container.RECORD or function.takes)


def _read_by(step: _graph.Step) -> Iterator[Read]:
    op = step.op
    at = f".{_graph.OP_NAMES[type(op)]}(...) at {step.origin}"
    match op:
        case _graph.WithColumns():
            for _, value in op.columns:
                yield from _read_by_value(value, at)
        case _graph.Where():
            yield from _read_by_value(op.condition, at)
        case _graph.Map():
            yield from _read_by_value(op.call, at)
        case _graph.KeyBy():
            yield from (Read(name, True, at) for name in op.fields)
        case _graph.Aggregate():
            for _, column in op.columns:
                if isinstance(column, _graph.Bound):
                    yield from _read_by_value(column, at)
                elif column.argument is not None:
                    yield from _read_by_value(column.argument, at)
        case _:
            return


def _read_by_value(value: Expr | _graph.Bound, at: str) -> Iterator[Read]:
    match value:
        case _graph.Bound():
            function = value.function
            params = {param.name: param for param in function.params}
            for name, source in value.args:
                param = params[name]
                needed = not param.nullable and param.default is inspect.Parameter.empty
                yield Read(source, needed, f"{function.name} in {at}", param.type)
        case Column():
            yield Read(value.name, True, at)
        case Operation():
            for part in value.args:
                yield from _read_by_value(part, at)


class Layout(NamedTuple):
    """The fields of a stream's records in their order.

    Attributes:
        source: The source that they come from.
        fields: Each name, and whether it is the source's own field, unchanged.
        open: Whether the records are the source's, with what else these have. Else the fields that
            are not named here come from a function or a window, and ``fields`` says only which of
            them are the source's own.
    """

    source: str
    fields: tuple[tuple[str, bool], ...]
    open: bool


def layout(graph: _graph.Graph, step_id: str, columns: Sequence[str]) -> Layout:
    """Return how records look behind a step, if those of its source have some columns."""
    path, source = _path(graph, step_id)
    slots = _Slots(columns)
    for step in path:
        match step.op:
            case _graph.WithColumns():
                for name, _ in step.op.columns:
                    slots.make(name)
            case _graph.Select():
                slots.select(step.op.fields)
            case _graph.Drop():
                slots.drop(step.op.fields)
            case _graph.Map():
                slots.replace(())
            case _graph.Aggregate():
                slots.replace(_key_at(path, step, graph.sources[source]))
            case _:
                pass
    return Layout(source, slots.fields(), slots.open)


def _key_at(path: list[_graph.Step], at: _graph.Step, source: _graph.Source) -> tuple[str, ...]:
    key: tuple[str, ...] = (source.key,) if source.key else ()
    for step in path[: path.index(at)]:
        if isinstance(step.op, _graph.KeyBy):
            key = step.op.fields
    return key


def _path(graph: _graph.Graph, step_id: str) -> tuple[list[_graph.Step], str]:
    by_id = {step.id: step for step in graph.steps}
    path: list[_graph.Step] = []
    while step_id in by_id:
        path.append(by_id[step_id])
        step_id = by_id[step_id].input
    return path[::-1], step_id


class _Slots:
    """The places of fields: a field that is made again stands where the record had it."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.open = True
        self._selected = False
        # Whether each is there, and whether it is the source's own.
        self._slots: dict[str, tuple[bool, bool]] = {name: (True, True) for name in columns}

    def make(self, name: str) -> None:
        self._slots[name] = (True, False)

    def drop(self, names: Sequence[str]) -> None:
        for name in names:
            if self._selected:
                self._slots.pop(name, None)
            else:
                self._slots[name] = (False, False)

    def select(self, names: Sequence[str]) -> None:
        self._slots = {name: self._slots[name] for name in names if name in self._slots}
        self._selected = True

    def replace(self, keep: Sequence[str]) -> None:
        own = {name: (True, self._slots.get(name, (False, False))[1]) for name in keep}
        self._slots, self.open, self._selected = own, False, False

    def fields(self) -> tuple[tuple[str, bool], ...]:
        return tuple((name, own) for name, (there, own) in self._slots.items() if there)
