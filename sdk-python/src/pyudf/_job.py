"""What a replay gives to the engine: data for every source, checked, in files of chunks."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pyudf import _graph
from pyudf._frames import Data, NoData, read_data
from pyudf._lineage import Reads, reads_of
from pyudf.errors import DefinitionError, Origin, ReplayError, known
from pyudf.types import FieldType

__all__ = ["Job", "Request", "Slices", "moment", "prepare", "write"]

_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MILLISECOND: Final = datetime.timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Slices:
    """Stretches of topics, to be read by the engine.

    Attributes:
        settings: Those of librdkafka.
        since: The timestamp of the first record, in ms; None: the beginning.
        until: The timestamp behind the last record, in ms; None: what is there now.
        topics: The topics to read; None: all that there is no data for.
    """

    settings: Mapping[str, str]
    since: int | None
    until: int | None
    topics: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Request:
    """What a user asks for.

    Attributes:
        data: By the name of the topic or the path that the app reads.
        slices: Where the rest comes from; None: from nowhere.
        timestamp: The column with the records' timestamps; None: there is none.
        flush: Whether what is open at the end is closed.
        collect: Whether rows for which a function raises are dead letters, as in production.
        rows: How many rows a chunk has.
    """

    data: Mapping[str, Any]
    slices: Slices | None = None
    timestamp: str | None = None
    flush: bool = True
    collect: bool = False
    rows: int = 16384


@dataclass(slots=True)
class Job:
    """A replay that is ready to begin.

    Attributes:
        data: What each source reads; a slice's is missing.
        inputs: The same for the engine.
        reads: The fields that the plan reads of a source, if the engine gets nothing else of it.
    """

    data: dict[str, Data] = field(default_factory=dict)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    reads: dict[str, set[str]] = field(default_factory=dict)


def prepare(graph: _graph.Graph, request: Request) -> Job:
    """Return a job that has everything but its files.

    Raises:
        ReplayError: A source has no data, or data that does not fit.
    """
    job = Job()
    sources = {source.place.name: source for source in graph.sources.values()}
    for name in request.data:
        if name not in sources:
            message = f"the app reads no {name!r}; {known(name, sources, 'sources')}"
            raise ReplayError(message)
    for name, source in sources.items():
        if name in request.data:
            given = _read(source, request.data[name])
        elif _is_slice(source, request.slices):
            job.inputs.append({"source": name, "slice": _slice(name, request.slices)})
            continue
        elif isinstance(source.place, _graph.File):
            given = _read(source, name)
        else:
            message = (
                f"there is no data for {source.place}, which is read at {source.origin}; "
                f'give it as app.replay({{"{name}": df}}), or name a broker by kafka="host:9092"'
            )
            raise ReplayError(message)
        job.data[name] = given
        _add(job, graph, source, given, request)
    return job


def _read(source: _graph.Source, given: Any) -> Data:
    try:
        return read_data(given)
    except NoData as err:
        message = f"the data for {source.place}: {err}"
        raise ReplayError(message) from None


def _is_slice(source: _graph.Source, slices: Slices | None) -> bool:
    if slices is None or isinstance(source.place, _graph.File):
        return False
    return slices.topics is None or source.place.name in slices.topics


def _slice(topic: str, slices: Slices | None) -> dict[str, Any]:
    assert slices is not None
    ends = {"since": slices.since, "until": slices.until}
    return {"topic": topic, **{end: at for end, at in ends.items() if at is not None}}


def _add(
    job: Job, graph: _graph.Graph, source: _graph.Source, data: Data, request: Request
) -> None:
    reads = reads_of(graph, source)
    if data.names is not None and data.rows:
        _check(source, data, reads, request.timestamp)
    name = source.place.name
    entry: dict[str, Any] = {"source": name}
    if request.timestamp is not None:
        entry["time"] = request.timestamp
    if data.path:
        entry["file"] = data.path
    elif data.table is not None and not reads.whole:
        entry["lean"] = True
        job.reads[name] = reads.names()
    job.inputs.append(entry)


def _check(source: _graph.Source, data: Data, reads: Reads, timestamp: str | None) -> None:
    names = data.names or ()
    if timestamp is not None and timestamp not in names:
        message = (
            f"the data for {source.place} has no column {timestamp!r}, which timestamp= names; "
            f"{known(timestamp, names, 'columns')}"
        )
        raise ReplayError(message)
    for read in reads.fields:
        if read.required and read.name not in names:
            message = (
                f"the data for {source.place} has no column {read.name!r}, which is read by "
                f"{read.by}; {known(read.name, names, 'columns')}"
            )
            raise ReplayError(message)
        if data.table is not None and read.name in names:
            _check_type(source, data, read.name, read.type, read.by)


_TAKES: Final = {
    FieldType.BOOL: ("boolean",),
    FieldType.INT64: ("integer", "duration"),
    FieldType.FLOAT64: ("integer", "floating", "decimal", "duration"),
    FieldType.STRING: ("string", "large_string", "string_view", "binary", "temporal"),
    FieldType.DECIMAL: ("integer", "floating", "decimal", "string", "large_string"),
    FieldType.TIMESTAMP: ("string", "large_string", "string_view", "temporal"),
}


def _check_type(
    source: _graph.Source, data: Data, name: str, kind: FieldType | None, by: str
) -> None:
    """Refuse a column of which no value can be what a parameter takes."""
    import pyarrow as pa  # noqa: PLC0415 - the table is of it

    takes = _TAKES.get(kind) if kind is not None else None
    have = data.table.schema.field(name).type
    if pa.types.is_dictionary(have):
        have = have.value_type
    if takes is None or name in data.documents or pa.types.is_null(have):
        return
    if not any(getattr(pa.types, f"is_{group}")(have) for group in takes):
        message = (
            f"the column {name!r} of the data for {source.place} is {have}, and {by} takes "
            f"{kind}; convert the column, or annotate the parameter as what it is"
        )
        raise ReplayError(message)


def write(job: Job, directory: str, rows: int) -> None:
    """Write the data that is in memory where the engine finds it, so many rows a chunk."""
    from pyudf._chunks import write_records, write_table  # noqa: PLC0415 - needs pyarrow

    for number, entry in enumerate(job.inputs):
        data = job.data.get(entry["source"])
        if data is None or data.path:
            continue
        entry["chunks"] = os.path.join(directory, f"input-{number}")
        if data.table is None:
            write_records(entry["chunks"], data.texts, rows)
            continue
        table = data.table
        if entry.get("lean"):
            wanted = job.reads[entry["source"]]
            table = table.select([name for name in table.column_names if name in wanted])
        write_table(entry["chunks"], table, data.documents, rows)


def moment(at: object, option: str, now: datetime.datetime, origin: Origin) -> int | None:
    """Return a moment in ms since the epoch: ISO 8601, a datetime, ms, or how long ago it was.

    Raises:
        DefinitionError: It is none of these.
    """
    from pyudf._options import duration  # noqa: PLC0415

    if at is None:
        return None
    if isinstance(at, int) and not isinstance(at, bool):
        return at
    if isinstance(at, datetime.timedelta):
        return (now - at - _EPOCH) // _MILLISECOND
    if isinstance(at, str):
        try:
            at = datetime.datetime.fromisoformat(at)
        except ValueError:
            ago = datetime.timedelta(milliseconds=duration(at, option, origin))
            return (now - ago - _EPOCH) // _MILLISECOND
    if isinstance(at, datetime.datetime):
        zoned = at if at.tzinfo else at.replace(tzinfo=datetime.UTC)
        return (zoned - _EPOCH) // _MILLISECOND
    message = f'{option}={at!r}; write "1h" for an hour ago, a datetime, or ISO 8601 text'
    raise DefinitionError(message, origin)
