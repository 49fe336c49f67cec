"""What a function's signature says: its kind, what travels to it and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyudf._annotations import Container
from pyudf._definition import Function, Options, Output
from pyudf._parameters import read_function
from pyudf._result import Result
from pyudf._stateful import NO_RECORDS, check_kind, read_states, read_timers, separate
from pyudf.errors import Origin
from pyudf.schema import Fields


def derive(
    func: Any,
    fields: Fields,
    bind: Mapping[str, str],
    options: Options,
    used_at: Origin,
) -> Function:
    """Return what the signature of a function says.

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
    options.check(reader.name, reader.used_at)
    takes = tuple(p.name for p in reader.parameters)
    reader, kept = separate(reader)
    container = reader.container()
    reader.check_bind(container)
    output, result, result_type, many = Result(reader, container, options).read()
    if kept:
        check_kind(reader, container)
    states = read_states(reader, kept)
    timers = read_timers(reader, kept, states, options)
    if timers and output is not Output.RECORDS:
        reader.refuse(NO_RECORDS)
    argument = None
    if container.whole or container is Container.RECORD:
        argument = reader.parameters[0].name
    return Function(
        id=f"{func.__module__}:{func.__qualname__}",
        name=reader.name,
        call=func,
        file=reader.origin.file,
        line=reader.origin.line,
        container=container,
        params=reader.params(container),
        record_type=reader.record_type(container),
        output=output,
        result=result,
        result_type=result_type,
        many=many,
        on_null=options.on_null,
        on_error=options.on_error,
        timeout=float(options.timeout),
        argument=argument,
        states=states,
        timers=timers,
        takes=takes if kept else (),
    )
