"""A user's function as the engine and the worker need to know it, derived from its signature."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pyudf._annotations import Container
from pyudf.types import FieldType

__all__ = ["Container", "Function", "OnError", "OnNull", "Output", "Param"]

OnNull: TypeAlias = Literal["null", "call", "dlq"]
OnError: TypeAlias = Literal["dlq", "skip", "stop"]


class Output(enum.Enum):
    """What a function gives back: one value a row, or records."""

    COLUMN = "column"
    RECORDS = "records"


@dataclass(frozen=True, slots=True)
class Param:
    """A column that travels to the function.

    Attributes:
        name: The parameter's name; for a DataFrame or Table the column's name.
        type: The type that the column has on the wire.
        nullable: Whether the function wants to see nulls.
        annotation: The resolved annotation, ``int | None`` for example.
        default: What a record without the field gives; ``inspect.Parameter.empty`` if nothing.
    """

    name: str
    type: FieldType
    nullable: bool
    annotation: Any
    default: Any = inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Function:
    """A user's function and everything its signature says.

    Attributes:
        id: Module and qualified name; unique in a plan.
        name: What the user calls it.
        call: The user's own function.
        file: The file that defines it.
        line: The line that defines it.
        container: What the function takes its input in.
        params: The columns to ship; empty for ``RECORD``. For ``FRAME`` and ``TABLE`` there is one
            for each field of the schema.
        record_type: For ``RECORD`` the annotation of its parameter, else None.
        output: Whether a column or records come back.
        result: The resolved return annotation without Optional; for ``RECORDS`` also without the
            iterable around it.
        result_type: For ``COLUMN`` the type of the result, else None.
        many: Whether one call may return several records: an iterable or a generator.
        on_null: What happens where a parameter that is not nullable meets a null.
        on_error: What happens to a row whose call raised.
        timeout: The longest time that one call may take, in seconds.
        argument: For ``RECORD``, ``FRAME`` and ``TABLE`` the name of the one Python parameter.
    """

    id: str
    name: str
    call: Callable[..., Any]
    file: str
    line: int
    container: Container
    params: tuple[Param, ...]
    record_type: Any
    output: Output
    result: Any
    result_type: FieldType | None
    many: bool
    on_null: OnNull = "null"
    on_error: OnError = "dlq"
    timeout: float = 60.0
    argument: str | None = None
