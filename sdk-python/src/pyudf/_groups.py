"""What the signature of a function over the rows of a window says."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any

from pyudf import _annotations
from pyudf._annotations import Container, spelled, unwrapped
from pyudf._definition import Function, Options
from pyudf._parameters import Reader, read_function
from pyudf._result import Result
from pyudf._stateful import is_keyed
from pyudf.errors import Origin
from pyudf.schema import Fields

_ROWS = (
    "df: pd.DataFrame or pa.Table for all fields, rows: list[dict] for the records, or parameters "
    "named like fields: list[float], pd.Series, np.ndarray or pa.Array"
)


def derive_group(
    func: Any,
    fields: Fields,
    bind: Mapping[str, str],
    options: Options,
    used_at: Origin,
) -> Function:
    """Return what the signature of a function over all rows of a window says.

    Args:
        func: The user's own function; it is only looked at.
        fields: What is known of the fields that it reads.
        bind: The fields that parameters read, where they have other names.
        options: What the user set for this use.
        used_at: Where the user puts the function to use.

    Raises:
        DefinitionError: The signature is ambiguous, or does not fit the fields.
    """
    reader = read_function(func, used_at, fields, bind)
    options.check(reader.name, used_at)
    reader, container = read_batch(reader)
    returned = reader.hints.get("return")
    several = _annotations.iterable_element(returned) is not None
    if several and _annotations.scalar_type(returned) is None:
        reader.refuse(f"gives {spelled(returned)}, and a window has one value; return a list")
    # One value for the whole window, as if it were one row.
    output, result, result_type, many = Result(reader, Container.SCALAR, options).read()
    alone = container.whole or container is Container.RECORD
    return Function(
        id=f"{func.__module__}:{func.__qualname__}",
        name=reader.name,
        call=func,
        file=reader.origin.file,
        line=reader.origin.line,
        container=container,
        params=batch_params(reader, container),
        record_type=reader.record_type(container),
        output=output,
        result=result,
        result_type=result_type,
        many=many,
        on_null=options.on_null,
        on_error=options.on_error,
        timeout=float(options.timeout),
        argument=reader.parameters[0].name if alone else None,
        grouped=True,
    )


def read_batch(reader: Reader) -> tuple[Reader, Container]:
    """Return the container of parameters that take all rows, lists read as their elements.

    Raises:
        DefinitionError: A parameter takes one row, or they do not agree.
    """
    reader.check_some()
    lists = {p.name: element for p in reader.parameters if (element := _element(reader, p.name))}
    for parameter in reader.parameters:
        _check(reader, parameter.name, lists)
    if not lists:
        container = reader.container()
        reader.check_bind(container)
        return reader, container
    if len(lists) < len(reader.parameters):
        reader.refuse("the parameters mix lists and other kinds; take all as lists, or none")
    for parameter in reader.parameters:
        if parameter.default is not parameter.empty:
            reader.refuse(f"parameter {parameter.name} takes all rows, which are never left out")
    reader = reader._replace(hints={**reader.hints, **lists})
    container = reader.container()
    reader.check_bind(container)
    return reader, Container.LIST if container is Container.SCALAR else container


def batch_params(reader: Reader, container: Container) -> Any:
    """Return the columns that travel to parameters that ``read_batch`` has read."""
    return reader.params(Container.SCALAR if container is Container.LIST else container)


def _element(reader: Reader, name: str) -> Any:
    """Return the annotation of a list's elements, None for other parameters."""
    annotation = reader.hints.get(name)
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) is not list or len(arguments) != 1:
        return None
    return arguments[0]


def _check(reader: Reader, name: str, lists: Mapping[str, Any]) -> None:
    """Refuse a parameter that takes one row, or a list of nobody knows what."""
    if name not in reader.hints:
        reader.refuse(f"parameter {name} has no annotation; for the rows of a window write {_ROWS}")
    if is_keyed(reader.hints[name]):
        reader.refuse(
            f"parameter {name} keeps something for each key, which a function over a window "
            "cannot; write a class with create, add and result"
        )
    annotation, nullable = unwrapped(reader.hints[name])
    if nullable:
        reader.refuse(f"parameter {name} takes all rows of a window, which are never None")
    if name in lists or _annotations.container_of(annotation) is not None:
        return
    reader.refuse(
        f"parameter {name} is {spelled(annotation)}, and in agg() a function takes all rows of a "
        f"window; write {_ROWS}"
    )
