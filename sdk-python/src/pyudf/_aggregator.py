"""What a class that keeps a state for each window says: create, add, merge and result."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, NamedTuple

from pyudf._annotations import Container
from pyudf._definition import Function, Options, Param
from pyudf._groups import batch_params, read_batch
from pyudf._options import instance_of
from pyudf._parameters import Reader, read_function
from pyudf._result import Result
from pyudf.errors import DefinitionError, Origin
from pyudf.schema import Fields

_METHODS = (
    "an aggregator has the methods create(self), add(self, state, temp_f: float) or add_batch, "
    "result(self, state) and, if states can be merged, merge(self, a, b)"
)


def is_aggregator(made: object) -> bool:
    """Tell whether something is a class, or has methods as an aggregator has.

    Example:
        >>> is_aggregator(len), is_aggregator(dict)
        (False, True)
    """
    if isinstance(made, type):
        return True
    methods = (getattr(made, name, None) for name in ("create", "result"))
    return not inspect.isroutine(made) and any(map(callable, methods))


def derive_aggregator(
    made: Any, fields: Fields, bind: Mapping[str, str], options: Options, used_at: Origin
) -> Function:
    """Return what an aggregator's methods say.

    Args:
        made: A class that can be made without arguments, or an instance.
        fields: What is known of the fields that it reads.
        bind: The fields that parameters read, where they have other names.
        options: What the user set for this use.
        used_at: Where the user puts it to use.

    Raises:
        DefinitionError: A method is missing, its signature is ambiguous or does not fit the fields.
    """
    instance = instance_of(made, used_at)
    methods = _Methods(instance, type(instance).__name__, used_at)
    options.check(methods.name, used_at)
    create = methods.read("create", 0)
    result = methods.read("result", 1)
    if hasattr(instance, "merge"):
        methods.read("merge", 2)
    added = methods.adding(fields, bind)
    output, annotation, result_type, many = Result(result, Container.SCALAR, options).read()
    return Function(
        id=f"{type(instance).__module__}:{type(instance).__qualname__}",
        name=methods.name,
        call=made,
        file=create.origin.file,
        line=create.origin.line,
        container=added.container,
        params=added.params,
        record_type=None,
        output=output,
        result=annotation,
        result_type=result_type,
        many=many,
        on_null=options.on_null,
        on_error=options.on_error,
        timeout=float(options.timeout),
        argument=added.argument,
        takes=added.takes,
        aggregator=instance,
        aggregator_state=create.hints.get("return"),
        batch=added.batch,
    )


class _Added(NamedTuple):
    """What rows are added from."""

    container: Container
    params: tuple[Param, ...]
    argument: str | None
    takes: tuple[str, ...]
    batch: bool


class _Methods(NamedTuple):
    """The methods of an aggregator under inspection."""

    instance: Any
    name: str
    used_at: Origin

    def read(self, method: str, takes: int) -> Reader:
        """Return the reader of a method that takes so many parameters."""
        reader = self._reader(method, Fields(), {})
        if len(reader.parameters) != takes:
            reader.refuse(f"takes {len(reader.parameters)} parameters besides self; {_METHODS}")
        return reader

    def adding(self, fields: Fields, bind: Mapping[str, str]) -> _Added:
        """Return what ``add_batch`` takes, or else ``add``."""
        batch = hasattr(self.instance, "add_batch")
        reader = self._reader("add_batch" if batch else "add", fields, bind)
        takes = tuple(p.name for p in reader.parameters)
        reader = reader._replace(parameters=reader.parameters[1:])
        if not reader.parameters:
            reader.refuse("takes no field; name one after the state: (self, state, temp_f: float)")
        reader, container = read_batch(reader) if batch else (reader, _row(reader))
        if container is Container.RECORD:
            reader.refuse("takes whole records; name the fields after the state: (temp_f: float)")
        argument = reader.parameters[0].name if container.whole else None
        return _Added(container, batch_params(reader, container), argument, takes, batch)

    def _reader(self, method: str, fields: Fields, bind: Mapping[str, str]) -> Reader:
        found = getattr(self.instance, method, None)
        if not callable(found):
            message = f"{self.name} has no method {method}; {_METHODS}"
            raise DefinitionError(message, self.used_at)
        reader = read_function(found, self.used_at, fields, bind)
        return reader._replace(name=f"{self.name}.{method}")


def _row(reader: Reader) -> Container:
    """Return the container of ``add``, which takes one row."""
    container = reader.container()
    reader.check_bind(container)
    if container.vectorised:
        reader.refuse(f"takes a {container.value}; name the method add_batch")
    return container
