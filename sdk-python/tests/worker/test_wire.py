"""The worker's buffers are Arrow's."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worker_harness import from_column, to_column

from pyudf._worker import wire
from pyudf.types import FieldType
from pyudf.worker.v1 import worker_pb2

ELEMENTS: dict[FieldType, st.SearchStrategy[Any]] = {
    FieldType.BOOL: st.booleans(),
    FieldType.INT64: st.integers(-(2**63), 2**63 - 1),
    FieldType.FLOAT64: st.floats(allow_nan=False),
    FieldType.STRING: st.text(),
}


@pytest.mark.parametrize("kind", list(ELEMENTS))
@given(data=st.data())
def test_columns_that_pyarrow_writes_are_read(kind: FieldType, data: st.DataObject) -> None:
    sent = data.draw(st.lists(st.none() | ELEMENTS[kind]))
    column = to_column(kind, sent)
    if wire.has_offsets(kind):
        assert wire.texts(column, len(sent)) == (sent, [])
    else:
        assert list(wire.values(column, kind, len(sent))) == sent


@pytest.mark.parametrize("kind", list(ELEMENTS))
@given(data=st.data())
def test_columns_that_the_worker_writes_are_read_by_pyarrow(
    kind: FieldType, data: st.DataObject
) -> None:
    results = data.draw(st.lists(st.none() | ELEMENTS[kind]))
    column = wire.column(kind, results)
    assert from_column(kind, column, len(results)).to_pylist() == results


@given(st.lists(st.booleans()))
def test_bits_survive_both_ways(flags: list[bool]) -> None:
    packed = wire.pack_bits(flags)
    assert len(packed) == (len(flags) + 7) // 8
    assert wire.unpack_bits(packed, len(flags)) == flags


@given(st.lists(st.binary()))
def test_records_are_cut_at_their_offsets(texts: list[bytes]) -> None:
    offsets = [sum(map(len, texts[:n])) for n in range(len(texts) + 1)]
    sent = worker_pb2.Records(
        data=b"".join(texts), offsets=struct.pack(f"<{len(offsets)}i", *offsets)
    )
    assert wire.records(sent, len(texts)) == texts


def test_buffers_of_the_wrong_size_are_refused() -> None:
    with pytest.raises(wire.WireError, match="12 bytes where 2 values take 16"):
        wire.values(worker_pb2.Column(values=bytes(12)), FieldType.INT64, 2)
    with pytest.raises(wire.WireError, match="bitmap of 1 bytes is too short for 9 rows"):
        wire.values(worker_pb2.Column(values=bytes(1)), FieldType.BOOL, 9)
    with pytest.raises(wire.WireError, match="4 bytes where 2 values take 8"):
        wire.records(worker_pb2.Records(offsets=bytes(4)), 1)
