"""What the methods of a custom window say: the functions that the engine calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from pyudf._annotations import Container
from pyudf._definition import EVENT_TIME, Function, Output, Param
from pyudf._parameters import Reader, read_function
from pyudf.custom import Assigned, Closed, Custom, Merged
from pyudf.errors import Origin
from pyudf.schema import Fields
from pyudf.types import FieldType


class CustomFunctions(NamedTuple):
    """The functions of a custom window; None where the class has no such method."""

    assign: Function
    merge: Function | None
    should_close: Function | None


def derive_custom(window: Custom, fields: Fields, used_at: Origin) -> CustomFunctions:
    """Return what the methods of a custom window say.

    Raises:
        DefinitionError: A signature is ambiguous, or does not fit the fields.
    """
    pair = (_window("a"), _window("b"))
    asked = (_window("window"), Param("watermark", FieldType.INT64, nullable=False, annotation=int))
    return CustomFunctions(
        _assign(window, fields, used_at),
        _optional(window, "merge", used_at, pair, Merged, FieldType.JSON),
        _optional(window, "should_close", used_at, asked, Closed, FieldType.BOOL),
    )


def _reader(window: Custom, method: str, fields: Fields, used_at: Origin) -> Reader:
    reader = read_function(getattr(window.assigner, method), used_at, fields, {})
    return reader._replace(name=f"{type(window.assigner).__name__}.{method}")


def _assign(window: Custom, fields: Fields, used_at: Origin) -> Function:
    reader = _reader(window, "assign", fields, used_at)
    if not reader.parameters:
        reader.refuse("takes the event time first; write assign(self, ts: int, row: dict)")
    reader = reader._replace(parameters=reader.parameters[1:])
    container = reader.container() if reader.parameters else Container.SCALAR
    if container.vectorised:
        reader.refuse(f"takes a {container.value}; take one record (row: dict) or fields of it")
    record = container is Container.RECORD
    takes = (EVENT_TIME, *(parameter.name for parameter in reader.parameters))
    return _function(
        reader,
        Assigned(window.assigner.assign),
        container=container,
        params=reader.params(container),
        record_type=reader.record_type(container),
        argument=reader.parameters[0].name if record else None,
        takes=takes,
    )


def _optional(
    window: Custom,
    method: str,
    used_at: Origin,
    params: tuple[Param, ...],
    made: Callable[[Any], Callable[..., Any]],
    result: FieldType,
) -> Function | None:
    if not hasattr(window.assigner, method):
        return None
    reader = _reader(window, method, Fields(), used_at)
    if len(reader.parameters) != len(params):
        names = ", ".join(param.name for param in params)
        reader.refuse(f"takes {len(reader.parameters)} parameters; write {method}(self, {names})")
    call = made(getattr(window.assigner, method))
    return _function(reader, call, params=params, result_type=result)


def _function(
    reader: Reader,
    call: Callable[..., Any],
    *,
    container: Container = Container.SCALAR,
    params: tuple[Param, ...],
    record_type: Any = None,
    result_type: FieldType = FieldType.JSON,
    argument: str | None = None,
    takes: tuple[str, ...] = (),
) -> Function:
    return Function(
        id=f"{reader.plain.__module__}:{reader.plain.__qualname__}",
        name=reader.name,
        call=call,
        file=reader.origin.file,
        line=reader.origin.line,
        container=container,
        params=params,
        record_type=record_type,
        output=Output.COLUMN,
        result=bool if result_type is FieldType.BOOL else Any,
        result_type=result_type,
        many=False,
        argument=argument,
        takes=takes,
    )


def _window(name: str) -> Param:
    return Param(name, FieldType.JSON, nullable=False, annotation=list[int])
