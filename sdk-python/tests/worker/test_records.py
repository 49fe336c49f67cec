"""Functions over whole records and the records that they return."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import json
import math
from collections.abc import Iterator
from typing import Any, TypedDict

import msgspec
import numpy as np
import pydantic
import pytest
from worker_harness import emitted, errors, record, scalar, values, worker

from pyudf.types import FieldType


@dataclasses.dataclass
class Reading:
    station: str
    temp: float


class Typed(TypedDict):
    station: str
    temp: float


class Struct(msgspec.Struct):
    station: str
    temp: float


class Model(pydantic.BaseModel):
    station: str
    temp: float


def test_a_dict_goes_in_and_comes_out_with_every_number_undamaged() -> None:
    def same(row: dict[str, Any]) -> dict[str, Any]:
        return row

    numbers = ["9007199254740993", str(2**64), str(-(10**40)), "0.1", "1.7976931348623157e308"]
    numbers += ["5e-324", "100.0", "0.30000000000000004"]
    texts = [f'{{"x":{number},"y":"é"}}' for number in numbers]
    with worker(record(same)) as engine:
        response = engine.records(*texts)
    assert not response.errors
    found = emitted(response)
    assert [row for row, _ in found] == list(range(len(texts)))
    for (_, text), sent in zip(found, texts, strict=True):
        assert json.loads(text) == json.loads(sent)
        assert repr(json.loads(text)["x"]) == repr(json.loads(sent)["x"])


@pytest.mark.parametrize("record_type", [Reading, Typed, Struct, Model])
def test_a_record_type_is_decoded_and_checked(record_type: Any) -> None:
    seen = []

    def keep(row: Any) -> Any:
        seen.append(row)
        return row

    with worker(record(keep, record_type)) as engine:
        response = engine.records(
            '{"station":"JFK","temp":1.5}',
            '{"station":"LGA","temp":"warm"}',
            '{"station":"LGA"}',
            '{"station":',
            '{"station":"EWR","temp":2.5}',
        )
    expected = [{"station": "JFK", "temp": 1.5}, {"station": "EWR", "temp": 2.5}]
    assert [(row, json.loads(text)) for row, text in emitted(response)] == [
        (0, expected[0]),
        (4, expected[1]),
    ]
    assert sorted(errors(response)) == [1, 2, 3]
    assert errors(response)[1][0] == "ValidationError"
    assert errors(response)[3][0] in ("DecodeError", "ValidationError")
    assert not any(error.traceback for error in response.errors)
    assert [type(row) for row in seen] == [dict if record_type is Typed else record_type] * 2


def test_what_is_no_object_is_no_record() -> None:
    def same(row: dict[str, Any]) -> dict[str, Any]:
        return row

    with worker(record(same)) as engine:
        response = engine.records("[1]", '{"a":1}', b"\xff", "")
    assert [row for row, _ in emitted(response)] == [1]
    found = errors(response)
    assert found[0] == ("ValidationError", "Expected `object`, got `array`")
    assert found[2][0] == "DecodeError"
    assert found[3][0] == "DecodeError"


def test_none_drops_the_record_and_an_iterable_is_flattened() -> None:
    def split(row: dict[str, Any]) -> Any:
        many = [{"n": n} for n in range(abs(row["n"]))]
        if row["n"] < 0:
            return iter(many)
        return None if row["n"] == 1 else many or {}

    with worker(record(split)) as engine:
        response = engine.records('{"n":2}', '{"n":1}', '{"n":0}', '{"n":-2}')
    assert emitted(response) == [
        (0, '{"n":0}'),
        (0, '{"n":1}'),
        (2, "{}"),
        (3, '{"n":0}'),
        (3, '{"n":1}'),
    ]


def test_dropping_rows_keeps_the_row_of_each_record_right() -> None:
    def odd(row: dict[str, Any]) -> dict[str, Any] | None:
        return row if row["n"] % 2 else None

    with worker(record(odd)) as engine:
        response = engine.records(*(f'{{"n":{n}}}' for n in range(6)))
    assert emitted(response) == [(n, f'{{"n":{n}}}') for n in (1, 3, 5)]


def test_a_generator_that_raises_midway_emits_none_of_its_records() -> None:
    def count(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for n in range(3):
            if row["bad"] and n == 2:
                raise LookupError("third")  # noqa: EM101
            yield {"n": n}

    with worker(record(count)) as engine:
        response = engine.records('{"bad":false}', '{"bad":true}', '{"bad":false}')
    assert [row for row, _ in emitted(response)] == [0] * 3 + [2] * 3
    (error,) = response.errors
    assert (error.row, error.exception, error.message) == (1, "LookupError", "third")
    assert 'raise LookupError("third")' in error.traceback
    assert "_worker" not in error.traceback


@pytest.mark.parametrize("wrong", ["text", 1, b"bytes", [1], ["a"], object(), 0.5])
def test_what_is_no_record_fails_its_row_and_says_so(wrong: Any) -> None:
    def give(row: dict[str, Any]) -> Any:
        return wrong if row["n"] else {}

    with worker(record(give)) as engine:
        response = engine.records('{"n":0}', '{"n":1}', '{"n":0}')
    (error,) = response.errors
    assert (error.row, error.exception) == (1, "TypeError")
    assert error.message.startswith("give returned ")
    assert [row for row, _ in emitted(response)] == [0, 2]


def test_records_may_hold_what_python_programs_hold() -> None:
    def rich(row: dict[str, Any]) -> dict[str, Any]:
        return {
            "nan": math.nan,
            "inf": -math.inf,
            "decimal": decimal.Decimal("1.10"),
            "no": decimal.Decimal("NaN"),
            "when": datetime.datetime(2013, 1, 1, tzinfo=datetime.UTC),
            "np": [np.float64(0.1), np.int32(3), np.bool_(True), np.array([1.5])],
            "nested": Reading("JFK", 1.0),
            "model": Model(station="JFK", temp=1.0),
        }

    with worker(record(rich)) as engine:
        response = engine.records("{}", "{}")
    assert not response.errors
    assert emitted(response)[1] == (
        1,
        '{"nan":null,"inf":null,"decimal":1.10,"no":null,"when":"2013-01-01T00:00:00Z",'
        '"np":[0.1,3,true,[1.5]],"nested":{"station":"JFK","temp":1.0},'
        '"model":{"station":"JFK","temp":1.0}}',
    )


def test_a_record_without_a_json_form_fails_its_row_alone() -> None:
    def give(row: dict[str, Any]) -> dict[str, Any]:
        return {"x": object() if row["n"] else 1}

    with worker(record(give)) as engine:
        response = engine.records('{"n":0}', '{"n":1}', '{"n":0}')
    assert errors(response) == {1: ("TypeError", "object has no JSON form")}
    assert [row for row, _ in emitted(response)] == [0, 2]


def test_a_function_over_records_may_give_a_column() -> None:
    def length(row: dict[str, Any]) -> int:
        return len(row["s"])

    with worker(record(length, dict, FieldType.INT64)) as engine:
        response = engine.records('{"s":"ab"}', "{}", '{"s":""}')
    assert values(response, FieldType.INT64)[::2] == [2, 0]
    assert errors(response) == {1: ("KeyError", "'s'")}


def test_a_function_over_scalars_may_give_records() -> None:
    def pair(x: int) -> dict[str, int]:
        return {"x": x, "square": x * x}

    with worker(scalar(pair, None, FieldType.INT64)) as engine:
        response = engine.columns([2, 3])
    assert emitted(response) == [(0, '{"x":2,"square":4}'), (1, '{"x":3,"square":9}')]
