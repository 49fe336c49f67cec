"""What users say when they ask for a replay, as a request."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

from pyudf import _graph, _plan
from pyudf._html import head, show, svg
from pyudf._job import Request, Slices, moment
from pyudf._replaying import run
from pyudf.errors import DefinitionError, Origin
from pyudf.replay import Replay

__all__ = ["Moment", "drawn", "head", "replay", "request", "show", "shown", "slices"]

Moment: TypeAlias = str | int | datetime.datetime | datetime.timedelta


def slices(
    kafka: str | Mapping[str, str] | None,
    since: Moment | None,
    until: Moment | None,
    topics: Collection[str] | None,
    origin: Origin,
) -> Slices | None:
    """Return which stretches of topics are meant; None: none.

    Raises:
        DefinitionError: Options do not go together, or are not possible.
    """
    if kafka is None:
        options = {"since": since, "until": until, "topics": topics}
        for name, value in options.items():
            if value is not None:
                message = f'{name}= is for topics of a broker; add kafka="host:9092"'
                raise DefinitionError(message, origin)
        return None
    settings = {"bootstrap.servers": kafka} if isinstance(kafka, str) else dict(kafka)
    if "bootstrap.servers" not in settings:
        message = 'kafka= has no "bootstrap.servers"; add it, such as "host:9092"'
        raise DefinitionError(message, origin)
    now = datetime.datetime.now(datetime.UTC)
    return Slices(
        {str(name): str(value) for name, value in settings.items()},
        moment(since, "since", now, origin),
        moment(until, "until", now, origin),
        None if topics is None else frozenset(topics),
    )


def request(
    graph: _graph.Graph,
    data: Any,
    timestamp: str | None,
    flush: bool,
    errors: str,
    slices: Slices | None,
    origin: Origin,
) -> Request:
    """Return the request of ``App.replay``.

    Raises:
        DefinitionError: An option is not possible.
    """
    if errors not in ("raise", "collect"):
        message = f'errors={errors!r}; possible are "raise", "collect"'
        raise DefinitionError(message, origin)
    return Request(_by_source(graph, data, origin), slices, timestamp, flush, errors == "collect")


def replay(graph: _graph.Graph, request: Request) -> Replay:
    """Replay a pipeline, and remember its data."""
    __tracebackhide__ = True
    graph.data.update(request.data)
    return run(graph.written(), request)


def shown(graph: _graph.Graph, stream: str, data: Any, errors: str) -> tuple[Replay, Any]:
    """Return the records of a stream, on data or on what its source was replayed on last.

    Raises:
        ReplayError: There is no data.
    """
    __tracebackhide__ = True
    origin = graph.here()
    place = _graph.Topic(f"{graph.app}.shown")
    part = graph.until(stream, place)
    if data is None:
        names = [source.place.name for source in part.sources.values()]
        data = {name: graph.data[name] for name in names if name in graph.data}
    given = _by_source(part, data, origin)
    graph.data.update(given)
    found = run(part, request(part, given, None, True, errors, None, origin))
    return found, found[place.name]


def drawn(graph: _graph.Graph, stream: str | None) -> str | None:
    """Return the graph of a pipeline as SVG, or of what leads to a stream; None if it cannot be.

    A pipeline that is not complete has no graph.
    """
    if stream is not None:
        graph = graph.until(stream, _graph.Topic(f"{graph.app}.shown"))
    graph = graph.written()
    try:
        graph.check()
    except DefinitionError:
        return None
    return svg(_plan.build(graph))


def _by_source(graph: _graph.Graph, data: Any, origin: Origin) -> Mapping[str, Any]:
    if data is None:
        return {}
    if isinstance(data, Mapping):
        return data
    if len(graph.sources) != 1:
        names = ", ".join(source.place.name for source in graph.sources.values())
        message = f"the app reads {names}; give the data by name: app.replay({{name: df, ...}})"
        raise DefinitionError(message, origin)
    (source,) = graph.sources.values()
    return {source.place.name: data}
