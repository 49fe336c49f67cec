"""What the engine and the worker need to know of a user's function: plain data."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from pyudf._annotations import Container
from pyudf.errors import DefinitionError, Origin
from pyudf.schema import parse_type
from pyudf.types import FieldType

OnNull: TypeAlias = Literal["null", "call", "dlq"]
OnError: TypeAlias = Literal["dlq", "skip", "stop"]

EVENT_TIME = "@time"
"""In ``Function.takes``: the event time of the row in ms. No parameter can have that name."""

_SHORTEST = 0.001
_LONGEST = 24 * 60 * 60


class Output(enum.Enum):
    """What a function gives back: one value a row, or records.

    Example:
        >>> Output("column")
        <Output.COLUMN: 'column'>
    """

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

    Example:
        >>> Param("rh", FieldType.FLOAT64, nullable=False, annotation=float).name
        'rh'
    """

    name: str
    type: FieldType
    nullable: bool
    annotation: Any
    default: Any = inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class StateParam:
    """A value that a function keeps for each key.

    Attributes:
        name: The parameter's name.
        annotation: T of ``State[T]``; ``Any`` for a plain ``State``.
        default: What the function sees while a key has no value;
            ``inspect.Parameter.empty`` if nothing.
        ttl_ms: How long a value is kept after the key's last record, in event time; 0: for ever.
        format: What the values are, in words that change when they are stored in another way.

    Example:
        >>> StateParam("last", float, ttl_ms=1000).format
        ''
    """

    name: str
    annotation: Any
    default: Any = inspect.Parameter.empty
    ttl_ms: int = 0
    format: str = ""


@dataclass(frozen=True, slots=True)
class TimerParam:
    """A moment of event time that a function sets for a key.

    Attributes:
        name: The parameter's name.
        callback: What is called then.

    Example:
        >>> import pyudf as pu
        >>> def ring(row: dict) -> dict:
        ...     return row
        >>> TimerParam("alarm", pu.define(ring)).name
        'alarm'
    """

    name: str
    callback: Function


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
        states: The values that it keeps for each key.
        timers: The timers that it sets for each key.
        takes: The names of all Python parameters in call order, if some of them are states,
            timers, a callback's ``key`` and ``at``, or the row's time, which stands there as
            ``EVENT_TIME`` whatever its own name; empty for other functions.
        grouped: Whether it takes all rows of a group and gives one value for them. Then
            ``RECORD`` means a list of records.
        aggregator: The instance whose methods are called, for a class that keeps a state for
            each group; ``params`` are those of its ``add`` or ``add_batch``.
        aggregator_state: The annotation of that state, None if there is none.
        batch: Whether rows are added with ``add_batch``; ``container`` says what it takes.
        callback: Whether a timer calls it. It takes no fields, only what ``takes`` says.

    Example:
        >>> import pyudf as pu
        >>> def fahrenheit(celsius: float) -> float:
        ...     return celsius * 1.8 + 32
        >>> pu.define(fahrenheit).params[0].name
        'celsius'
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
    states: tuple[StateParam, ...] = ()
    timers: tuple[TimerParam, ...] = ()
    takes: tuple[str, ...] = ()
    grouped: bool = False
    # An instance made for each use; what it was made from is `call`.
    aggregator: Any = field(default=None, compare=False)
    aggregator_state: Any = None
    batch: bool = False
    callback: bool = False

    @property
    def record_results_agree(self) -> bool:
        """Whether the records of its timers are declared as its own are."""
        return all(timer.callback.result == self.result for timer in self.timers)


@dataclass(frozen=True, slots=True)
class Options:
    """What a user may set for one use of a function.

    Attributes:
        on_null: What happens where a parameter that is not nullable meets a null: the result is
            null without a call, the function is called with None, or the record is a dead letter.
        on_error: What happens to a row whose call raised: it becomes a dead letter, it is left
            out, or the run stops.
        timeout: The longest time that one call may take, in seconds.
        returns: The type of the result, in place of what the annotation says; None: none.

    Example:
        >>> Options(on_error="skip").timeout
        60.0
    """

    on_null: OnNull = "null"
    on_error: OnError = "dlq"
    timeout: float = 60.0
    returns: Any = None

    def check(self, name: str, origin: Origin) -> None:
        """Refuse values that mean nothing.

        Raises:
            DefinitionError: An option has a value that it cannot have, with those that it can.
        """
        choices = (("on_null", self.on_null, OnNull), ("on_error", self.on_error, OnError))
        for option, value, possible in choices:
            if value not in get_args(possible):
                texts = ", ".join(f'"{choice}"' for choice in get_args(possible))
                message = f"{name}: {option}={value!r}; possible are {texts}"
                raise DefinitionError(message, origin)
        number = isinstance(self.timeout, int | float) and not isinstance(self.timeout, bool)
        if not number or not _SHORTEST <= self.timeout <= _LONGEST:
            message = (
                f"{name}: timeout={self.timeout!r}; write seconds for one call, "
                f"from {_SHORTEST} to {_LONGEST}"
            )
            raise DefinitionError(message, origin)
        if self.returns is not None and parse_type(self.returns)[0] is None:
            message = (
                f"{name}: returns={self.returns!r}; write a type such as float, or one of "
                f"{', '.join(map(str, FieldType))}"
            )
            raise DefinitionError(message, origin)
