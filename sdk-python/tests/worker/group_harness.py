"""Requests with groups, and what comes back for each group."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Sequence
from typing import Any

from worker_harness import columns_request, records_request

from pyudf._aggregator import derive_aggregator
from pyudf._groups import derive_group
from pyudf._worker.execute import executor
from pyudf._worker.groups import NO_TIME
from pyudf._worker.wire import pack_bits, unpack_bits
from pyudf.errors import Origin
from pyudf.functions import Function, Options
from pyudf.schema import Fields, parse_schema
from pyudf.worker.v1 import worker_pb2

HERE = Origin(__file__, 1)
States = Sequence[bytes | None]


def group_function(func: Any, schema: object = None) -> Function:
    fields = Fields.of(parse_schema(schema, HERE))
    return derive_group(func, fields, {}, Options(), HERE)


def aggregator(made: Any, schema: object = None) -> Function:
    fields = Fields.of(parse_schema(schema, HERE))
    return derive_aggregator(made, fields, {}, Options(), HERE)


def run(function: Function, request: worker_pb2.RunRequest) -> worker_pb2.RunResponse:
    """Answer a request as it comes over the wire."""
    answer = executor(function)(worker_pb2.RunRequest.FromString(request.SerializeToString()))
    return worker_pb2.RunResponse.FromString(answer.SerializeToString())


def over_columns(
    to: Function, sizes: Sequence[int], *columns: Sequence[Any], **groups: Any
) -> worker_pb2.RunRequest:
    request = columns_request(to, *columns)
    request.groups.CopyFrom(grouped(sizes, **groups))
    return request


def over_records(
    to: Function, sizes: Sequence[int], *texts: str | bytes, **groups: Any
) -> worker_pb2.RunRequest:
    request = records_request(to, *texts)
    request.groups.CopyFrom(grouped(sizes, **groups))
    return request


def without_rows(to: Function, count: int, **groups: Any) -> worker_pb2.RunRequest:
    """Return a request for groups that have no rows."""
    return worker_pb2.RunRequest(function=to.id, groups=grouped([0] * count, **groups))


def grouped(
    sizes: Sequence[int],
    *,
    keys: Sequence[Any] | None = None,
    states: Iterable[States] = (),
    timers: Iterable[Sequence[int | None]] = (),
    times: Sequence[int] = (),
    watermarks: Sequence[int] = (),
    action: worker_pb2.Action = worker_pb2.ACTION_UNSPECIFIED,
) -> worker_pb2.Groups:
    ends = [sum(sizes[:i]) for i in range(len(sizes) + 1)]
    texts = [json.dumps(key).encode() for key in keys or range(len(sizes))]
    sent = worker_pb2.Groups(
        offsets=struct.pack(f"<{len(ends)}i", *ends), keys=_records(texts), action=action
    )
    for state in states:
        has = pack_bits(value is not None for value in state)
        sent.states.append(
            worker_pb2.Values(values=_records([value or b"" for value in state]), present=has)
        )
    for timer in timers:
        moments = [NO_TIME if moment is None else moment for moment in timer]
        sent.timers.add(values=struct.pack(f"<{len(moments)}q", *moments))
    sent.times = struct.pack(f"<{len(times)}q", *times)
    sent.watermarks = struct.pack(f"<{len(watermarks)}q", *watermarks)
    return sent


def _records(texts: Sequence[bytes]) -> worker_pb2.Records:
    ends = [sum(map(len, texts[:i])) for i in range(len(texts) + 1)]
    return worker_pb2.Records(data=b"".join(texts), offsets=struct.pack(f"<{len(ends)}i", *ends))


def states_of(response: worker_pb2.RunResponse) -> list[list[bytes | None]]:
    """Return what each group has of each state."""
    found = []
    for sent in response.states:
        ends = struct.unpack(f"<{len(sent.values.offsets) // 4}i", sent.values.offsets)
        has = unpack_bits(sent.present, len(ends) - 1)
        data = sent.values.data
        found.append([data[ends[i] : ends[i + 1]] if one else None for i, one in enumerate(has)])
    return found


def timers_of(response: worker_pb2.RunResponse) -> list[list[int | None]]:
    """Return what each group has set of each timer."""
    found = []
    for sent in response.timers:
        moments = struct.unpack(f"<{len(sent.values) // 8}q", sent.values)
        found.append([None if moment == NO_TIME else moment for moment in moments])
    return found


def taken_of(response: worker_pb2.RunResponse) -> tuple[int, ...]:
    """Return how many rows each group took, nothing if all took all."""
    return struct.unpack(f"<{len(response.taken) // 4}i", response.taken)
