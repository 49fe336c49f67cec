"""Runs a pipeline over data: the engine in a process, the functions in this one."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pyudf import _graph, _plan
from pyudf._enginerun import Engine, Outcome, Output, RaisedBy
from pyudf._frames import Data, Library, to_library
from pyudf._job import Job, Request, prepare, write
from pyudf._lineage import Layout, layout
from pyudf._progress import Progress
from pyudf._worker.execute import executor
from pyudf._worker.failure import Raised
from pyudf.errors import ReplayError
from pyudf.replay import Replay
from pyudf.types import FieldType

if TYPE_CHECKING:
    from pyudf._results import Made

__all__ = ["run"]


def run(graph: _graph.Graph, request: Request) -> Replay:
    """Replay a complete pipeline.

    Raises:
        ReplayError: It cannot be done.
        Exception: What a function raised, unless such rows are to be collected.
    """
    __tracebackhide__ = True
    began = time.perf_counter()
    # The engine comes up while its data is made ready, and ends while its results are read.
    with _directory() as directory, contextlib.closing(Engine()) as engine:
        job = prepare(graph, request)
        raised = Raised()
        functions = {key: executor(f, raised.witness) for key, f in graph.functions.items()}
        totals = {name: data.rows for name, data in job.data.items()}
        with Progress(totals) as progress:
            write(job, directory, request.rows)
            message = _message(graph, job, request, directory)
            plan = _plan.build(graph).SerializeToString()
            outcome = engine.run(plan, message, functions, progress.show)
        if outcome.raised is not None:
            raise _raised(outcome.raised, raised) from None
        return _collect(graph, job, outcome, began)


@contextlib.contextmanager
def _directory() -> Iterator[str]:
    path = tempfile.mkdtemp(prefix="pyudf-replay-")
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _message(graph: _graph.Graph, job: Job, request: Request, directory: str) -> dict[str, Any]:
    from pyudf._results import raw_fields  # noqa: PLC0415 - needs pyarrow

    raw: set[str] = set()
    for data in (*job.data.values(), None):
        raw |= raw_fields(data, _types(graph))
    message: dict[str, Any] = {
        "inputs": job.inputs,
        "directory": directory,
        "flush": request.flush,
        "raise": not request.collect,
        "raw": sorted(raw),
    }
    if request.slices is not None:
        message["kafka"] = dict(request.slices.settings)
    return message


def _types(graph: _graph.Graph) -> dict[str, FieldType]:
    """Return the types of the fields that functions return."""
    types: dict[str, FieldType] = {}
    for step in graph.steps:
        if isinstance(step.op, _graph.WithColumns | _graph.Aggregate):
            for name, value in step.op.columns:
                if isinstance(value, _graph.Bound) and value.function.result_type is not None:
                    types[name] = value.function.result_type
    return types


def _raised(raised: RaisedBy, known: Raised) -> BaseException:
    error = known.find(raised.message, raised.traceback)
    if error is not None:
        return error
    where = f"row {raised.row} of {raised.source}, in {raised.step}"
    return ReplayError(f"{where}: {raised.exception}: {raised.message}\n{raised.traceback}".strip())


def _collect(graph: _graph.Graph, job: Job, outcome: Outcome, began: float) -> Replay:
    types = _types(graph)
    results: dict[str, Any] = {}
    for step in graph.steps:
        if isinstance(step.op, _graph.To):
            name = step.op.place.name
            results[name] = _result(graph, job, step.id, outcome.outputs.get(name), types)
    names = outcome.names
    late = [outcome.outputs[name] for name in names.late if name in outcome.outputs]
    return Replay(
        results=results,
        late=_late(job, late) if names.late else None,
        dead=_dead(job, outcome.outputs.get(names.dead)),
        read=outcome.read,
        counts={name: len(frame) for name, frame in results.items()},
        seconds=time.perf_counter() - began,
    )


def _result(
    graph: _graph.Graph,
    job: Job,
    step_id: str,
    output: Output | None,
    types: Mapping[str, FieldType],
) -> Any:
    source = graph.sources[layout(graph, step_id, ()).source]
    data = job.data.get(source.place.name)
    look = layout(graph, step_id, () if data is None or data.names is None else data.names)
    made = _made(output, look, data, types)
    return to_library(made.table, "pyarrow" if data is None else data.library, made.documents)


def _made(
    output: Output | None, look: Layout, data: Data | None, types: Mapping[str, FieldType]
) -> Made:
    from pyudf._chunks import read_parts  # noqa: PLC0415 - needs pyarrow
    from pyudf._results import assemble  # noqa: PLC0415 - needs pyarrow

    files = () if output is None else output.files
    parts = [part for path in files for part in read_parts(path)]
    return assemble(parts, look, data, types)


def _late(job: Job, outputs: list[Output]) -> Any:
    files = tuple(path for output in outputs for path in output.files)
    output = Output(sum(output.records for output in outputs), files)
    names = tuple((name, True) for data in job.data.values() for name in data.names or ())
    data = next(iter(job.data.values()), None) if len(job.data) == 1 else None
    made = _made(output, Layout("", names, open=False), data, {})
    # Windows of one stage tell of a batch one after the other: by step, then as they came.
    table = made.table
    if "pyudf.step" in table.column_names:
        table = table.take(_stable_order(table.column("pyudf.step").to_pylist()))
    return to_library(table, _library(job) if data is None else data.library, {})


def _stable_order(keys: list[str]) -> list[int]:
    return sorted(range(len(keys)), key=keys.__getitem__)


def _dead(job: Job, output: Output | None) -> Any:
    from pyudf._deadletters import letters  # noqa: PLC0415 - needs pyarrow

    return to_library(letters(output, job.data), _library(job), {})


def _library(job: Job) -> Library:
    return next((data.library for data in job.data.values() if not data.path), "pyarrow")
