"""A schema is a dict or a record class, and says the fields' names, types and nulls."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NotRequired, TypedDict

import msgspec
import pydantic
import pytest

import pyudf as pu
from pyudf.errors import Origin
from pyudf.schema import parse_schema, record_fields
from pyudf.types import Field, FieldType

HERE = Origin(__file__, 1)


class Typed(TypedDict):
    station: str
    temp_f: float | None
    at: NotRequired[datetime.datetime]


@dataclass
class Data:
    station: str
    temp_f: float | None
    at: datetime.datetime = field(default_factory=lambda: datetime.datetime(2013, 1, 1))  # noqa: DTZ001


class Struct(msgspec.Struct):
    station: str
    temp_f: float | None
    at: datetime.datetime | msgspec.UnsetType = msgspec.UNSET


class Renamed(msgspec.Struct, rename="camel"):
    temp_f: float


class Model(pydantic.BaseModel):
    station: str
    temp_f: float | None
    at: datetime.datetime = pydantic.Field(default=datetime.datetime(2013, 1, 1), alias="time")  # noqa: DTZ001


EXPECTED = (
    Field("station", FieldType.STRING),
    Field("temp_f", FieldType.FLOAT64, nullable=True),
    Field("at", FieldType.TIMESTAMP),
)


@pytest.mark.parametrize(
    "schema",
    [
        {"station": str, "temp_f": float | None, "at": datetime.datetime},
        {"station": "string", "temp_f": float | None, "at": FieldType.TIMESTAMP},
        Typed,
        Data,
    ],
)
def test_each_way_to_write_a_schema_says_the_same(schema: Any) -> None:
    assert parse_schema(schema, HERE) == EXPECTED


def test_names_of_types_are_those_of_messages() -> None:
    for type_ in FieldType:
        assert parse_schema({"a": str(type_)}, HERE) == (Field("a", type_),)


def test_nested_records_are_json() -> None:
    fields = parse_schema({"a": Data, "b": dict[str, int] | None, "c": Decimal}, HERE)
    assert [(f.type, f.nullable) for f in fields] == [
        (FieldType.JSON, False),
        (FieldType.JSON, True),
        (FieldType.DECIMAL, False),
    ]


@pytest.mark.parametrize(
    ("cls", "expected"),
    [
        (Typed, [("station", True), ("temp_f", True), ("at", False)]),
        (Data, [("station", True), ("temp_f", True), ("at", False)]),
        (Struct, [("station", True), ("temp_f", True), ("at", False)]),
        (Renamed, [("tempF", True)]),
        (Model, [("station", True), ("temp_f", True), ("time", False)]),
    ],
)
def test_a_record_class_says_which_fields_it_needs(
    cls: type, expected: list[tuple[str, bool]]
) -> None:
    assert [(f.name, f.required) for f in record_fields(cls, HERE)] == expected


def test_a_schema_class_with_a_type_that_no_field_has_is_refused() -> None:
    with pytest.raises(
        pu.DefinitionError, match=r"field 'at' of schema= has type .*UnsetType; poss"
    ):
        parse_schema(Struct, HERE)


def test_a_schema_class_with_an_unknown_name_is_refused() -> None:
    class Broken:
        pass

    Broken.__annotations__ = {"a": "Missing"}
    broken = dataclass(Broken)
    with pytest.raises(
        pu.DefinitionError, match="Broken: annotation 'Missing' of a: name 'Missing' is not defined"
    ):
        parse_schema(broken, HERE)


def test_a_declared_text_can_be_read_as_what_it_holds() -> None:
    assert FieldType.STRING.readable(FieldType.TIMESTAMP)
    assert FieldType.FLOAT64.readable(FieldType.DECIMAL)
    assert FieldType.DECIMAL.readable(FieldType.FLOAT64)
    assert not FieldType.FLOAT64.readable(FieldType.INT64)
    assert not FieldType.STRING.readable(FieldType.FLOAT64)
    assert not FieldType.FLOAT64.converts(FieldType.DECIMAL)
