"""What a function keeps for each key: its parameters that are states and timers."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from typing import Any

from pyudf._annotations import Container, spelled, unwrapped
from pyudf._definition import Function, Options, Output, StateParam, TimerParam
from pyudf._fingerprint import fingerprint
from pyudf._options import duration
from pyudf._parameters import Reader, read_function
from pyudf._result import Answer, Result
from pyudf.errors import known
from pyudf.keyed import State, StateOptions, Timer, TimerOptions
from pyudf.schema import Fields

_EMPTY = inspect.Parameter.empty

NO_RECORDS = (
    "sets a timer and returns one value a row, but a timer's callback gives records; take the "
    "record, (row: dict, ...), and return one"
)


def is_keyed(annotation: Any) -> bool:
    """Tell whether an annotation is that of a state or a timer.

    Example:
        >>> is_keyed(State[float]), is_keyed(Timer), is_keyed(float)
        (True, True, False)
    """
    return _class(annotation) is not None


def _class(annotation: Any) -> type | None:
    inner = unwrapped(annotation)[0]
    found = typing.get_origin(inner) or inner
    return found if found in (State, Timer) else None


def separate(reader: Reader) -> tuple[Reader, tuple[inspect.Parameter, ...]]:
    """Return the reader of the other parameters, and the states and timers.

    Raises:
        DefinitionError: One of them is optional or badly annotated, or there are no others.
    """
    kept = tuple(p for p in reader.parameters if is_keyed(reader.hints.get(p.name)))
    others = tuple(p for p in reader.parameters if p not in kept)
    for parameter in others:
        if isinstance(parameter.default, StateOptions | TimerOptions):
            right = "State[float]" if isinstance(parameter.default, StateOptions) else "Timer"
            reader.refuse(f"parameter {parameter.name} has to be annotated pu.{right} or the like")
    for parameter in kept:
        if unwrapped(reader.hints[parameter.name])[1]:
            reader.refuse(f"parameter {parameter.name} is never None; leave the | None out")
    if kept and not others:
        reader.refuse("takes no field besides what it keeps; add the record: (row: dict, ...)")
    return reader._replace(parameters=others), kept


def check_kind(reader: Reader, container: Container) -> None:
    """Refuse a function that keeps something and takes batches.

    Raises:
        DefinitionError: It does.
    """
    if container.vectorised:
        reader.refuse(
            f"takes a {container.value} and keeps something for each key, which this version does "
            "not run; take one row: the record (row: dict), or fields such as (temp_f: float)"
        )


def read_states(reader: Reader, kept: tuple[inspect.Parameter, ...]) -> tuple[StateParam, ...]:
    """Return the states among the parameters that ``separate`` found.

    Raises:
        DefinitionError: The options of one are none.
    """
    return tuple(_state(reader, p) for p in kept if _class(reader.hints[p.name]) is State)


def _state(reader: Reader, parameter: inspect.Parameter) -> StateParam:
    name, options = parameter.name, parameter.default
    if options is _EMPTY:
        options = StateOptions()
    if not isinstance(options, StateOptions):
        reader.refuse(
            f"parameter {name} has the default {options!r}; write {name}: pu.State[...] = "
            "pu.state(default=...)"
        )
    annotation = _value_type(reader.hints[name])
    return StateParam(
        name,
        annotation,
        _EMPTY if options.default is None else options.default,
        0 if options.ttl is None else duration(options.ttl, f"{name}: ttl", reader.origin),
        fingerprint(annotation, reader.origin),
    )


def _value_type(annotation: Any) -> Any:
    """Return T of State[T], Any for a plain State."""
    arguments = typing.get_args(unwrapped(annotation)[0])
    return arguments[0] if arguments else Any


def read_timers(
    reader: Reader,
    kept: tuple[inspect.Parameter, ...],
    states: tuple[StateParam, ...],
    options: Options,
) -> tuple[TimerParam, ...]:
    """Return the timers among the parameters that ``separate`` found.

    Raises:
        DefinitionError: One has no callback, or one whose signature does not fit.
    """
    timers = []
    for parameter in kept:
        name, default = parameter.name, parameter.default
        if _class(reader.hints[name]) is not Timer:
            continue
        if not isinstance(default, TimerOptions):
            reader.refuse(
                f"parameter {name} has no callback; write {name}: pu.Timer = pu.timer(function)"
            )
        callback = _callback(default.callback, reader, states, options)
        timers.append(TimerParam(name, callback))
    return tuple(timers)


def _callback(
    func: Callable[..., Any], main: Reader, states: tuple[StateParam, ...], options: Options
) -> Function:
    reader = read_function(func, main.used_at, Fields(), {})
    by_name = {state.name: state for state in states}
    for parameter in reader.parameters:
        _check_callback(reader, parameter, main.name, by_name)
    takes = tuple(p.name for p in reader.parameters)
    output, result, _, many = _records(reader, options)
    return Function(
        id=f"{func.__module__}:{func.__qualname__}",
        name=reader.name,
        call=func,
        file=reader.origin.file,
        line=reader.origin.line,
        container=Container.RECORD,
        params=(),
        record_type=None,
        output=output,
        result=result,
        result_type=None,
        many=many,
        on_error=options.on_error,
        timeout=float(options.timeout),
        states=tuple(by_name[name] for name in takes if name in by_name),
        takes=takes,
        callback=True,
    )


def _check_callback(
    reader: Reader, parameter: inspect.Parameter, owner: str, states: dict[str, StateParam]
) -> None:
    name = parameter.name
    hint = reader.hints.get(name, Any)
    if name in states:
        if _class(hint) is not State or _value_type(hint) != states[name].annotation:
            wanted = f"pu.State[{spelled(states[name].annotation)}]"
            reader.refuse(f"parameter {name} is a state of {owner}; annotate {name}: {wanted}")
        if parameter.default is not _EMPTY:
            reader.refuse(f"the options of the state {name} belong to {owner}; leave them out here")
        return
    if name not in ("key", "at"):
        possible = known(name, ("key", "at", *states), "names")
        reader.refuse(
            f"a timer calls it with key, at and states of {owner}, not with {name}; {possible}"
        )
    if name == "at" and unwrapped(hint)[0] not in (int, Any):
        reader.refuse("parameter at is a number of ms since the epoch; annotate at: int")


def _records(reader: Reader, options: Options) -> Answer:
    """Return what a callback gives: records, or nothing."""
    if "return" in reader.hints and reader.hints["return"] in (None, type(None)):
        return Output.RECORDS, dict, None, False
    plain = Options(on_error=options.on_error, timeout=options.timeout)
    answer = Result(reader, Container.RECORD, plain).read()
    if answer[0] is not Output.RECORDS:
        reader.refuse(
            "a timer's callback gives records; return a dict, an iterable of them, or None"
        )
    return answer
