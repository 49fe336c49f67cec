"""What the parameters of a user's function say: what travels to it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, NoReturn

from pyudf import _annotations
from pyudf._annotations import BATCHES, FIELDS, RECORDS, Container, spelled, unwrapped
from pyudf._definition import Param
from pyudf.errors import DefinitionError, Origin, known
from pyudf.schema import Fields, parse_type, record_fields
from pyudf.types import FieldType

_EMPTY = inspect.Parameter.empty


def read_function(
    func: Callable[..., Any], used_at: Origin, fields: Fields, bind: Mapping[str, str]
) -> Reader:
    """Look at a function, and refuse what is none or cannot be called row by row."""
    name = getattr(func, "__name__", repr(func))
    plain = inspect.unwrap(func) if callable(func) else func
    if not (inspect.isfunction(plain) or inspect.ismethod(plain)):
        message = (
            f"{func!r} is no plain Python function; wrap it: def f(x: float) -> float: return ..."
        )
        raise DefinitionError(message, used_at)
    origin = Origin.of(func)
    if inspect.iscoroutinefunction(plain) or inspect.isasyncgenfunction(plain):
        message = f"{name} is async, which this version does not run; write a plain def"
        raise DefinitionError(message, origin)
    parameters = tuple(inspect.signature(func).parameters.values())
    _check_parameters(name, parameters, origin)
    try:
        hints = _annotations.resolve(func)
    except _annotations.UnresolvedError as err:
        message = (
            f"{name}: {err}; import or define the name at the top of the module, outside of "
            "'if TYPE_CHECKING'"
        )
        raise DefinitionError(message, origin) from None
    return Reader(name, plain, origin, used_at, parameters, hints, fields, bind)


def _check_parameters(name: str, parameters: tuple[inspect.Parameter, ...], origin: Origin) -> None:
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            message = f"{name}: {parameter} could be any field; name each field as a parameter"
            raise DefinitionError(message, origin)
        if parameter.kind is parameter.KEYWORD_ONLY:
            message = (
                f"{name}: parameter {parameter.name} is keyword-only, and columns are passed by "
                "position; remove the * before it"
            )
            raise DefinitionError(message, origin)


class Reader(NamedTuple):
    """A function under inspection, and what its parameters read."""

    name: str
    plain: Callable[..., Any]
    origin: Origin
    used_at: Origin
    parameters: tuple[inspect.Parameter, ...]
    hints: Mapping[str, Any]
    fields: Fields
    bind: Mapping[str, str]

    def refuse(self, text: str) -> NoReturn:
        """Raise an error that points at the definition."""
        message = f"{self.name}: {text}"
        raise DefinitionError(message, self.origin) from None

    def misfit(self, text: str) -> NoReturn:
        """Raise an error that points at the use."""
        message = f"{self.name}: {text}"
        raise DefinitionError(message, self.used_at) from None

    def check_some(self) -> None:
        """Refuse a function without a parameter."""
        if not self.parameters:
            message = (
                f"{self.name} takes no parameter; name a field as one, such as (temp_f: float)"
            )
            raise DefinitionError(message, self.origin)

    def container(self) -> Container:
        """Return the one container that all parameters agree on."""
        self.check_some()
        found = {p.name: self._container(p) for p in self.parameters}
        containers = set(found.values())
        if len(containers) > 1:
            each = ", ".join(f"{name} is {c.value}" for name, c in found.items())
            text = (
                f"the parameters mix kinds: {each}; take all as scalars, or all as one batch type"
            )
            self.refuse(text)
        container = containers.pop()
        if container.whole and len(found) > 1:
            self.refuse(f"a {container.value} holds all fields: take it as the only parameter")
        return container

    def _container(self, parameter: inspect.Parameter) -> Container:
        if parameter.name not in self.hints:
            if self.name == "<lambda>":
                text = "a lambda has no annotations, so its kind is not known; write a def"
            else:
                text = (
                    f"parameter {parameter.name} has no annotation; for a field write {FIELDS}; "
                    f"for the whole record {RECORDS}; for a batch {BATCHES}"
                )
            self.refuse(text)
        annotation, nullable = unwrapped(self.hints[parameter.name])
        container = _annotations.container_of(annotation)
        if container is not None:
            if nullable or parameter.default is not _EMPTY:
                text = f"parameter {parameter.name} takes a batch, which is never None or left out"
                self.refuse(text)
            return container
        if len(self.parameters) == 1 and self._takes_record(parameter, annotation, nullable):
            return Container.RECORD
        if _annotations.scalar_type(annotation) is None:
            self._unknown(parameter.name, annotation)
        return Container.SCALAR

    def _takes_record(self, parameter: inspect.Parameter, annotation: Any, nullable: bool) -> bool:
        """Tell whether the only parameter is the whole record rather than one field of it."""
        name = parameter.name
        is_field = self.fields.type_of(name) is not None
        if annotation is Any and not is_field and name not in self.bind:
            text = (
                f"parameter {name}: Any may be a field or the whole record; for the record write "
                f"dict, for a field one of {FIELDS.replace(' or Any', '')}"
            )
            self.refuse(text)
        if not _annotations.is_record(annotation):
            return False
        if is_field:
            text = (
                f"parameter {name} may be the whole record or the field {name!r}; rename it for "
                "the record, or annotate Any for the field"
            )
            self.refuse(text)
        if nullable or parameter.default is not _EMPTY:
            self.refuse(f"parameter {name} takes the record, which is never None or left out")
        return True

    def _unknown(self, name: str, annotation: Any) -> NoReturn:
        if _annotations.is_record(annotation):
            self.refuse(
                f"parameter {name} takes a whole record ({spelled(annotation)}): it must be the "
                "only parameter"
            )
        self.refuse(
            f"parameter {name} is annotated {spelled(annotation)}, which no field can be; for a "
            f"field write {FIELDS}; for the whole record {RECORDS}; for a batch {BATCHES}"
        )

    def check_bind(self, container: Container) -> None:
        """Refuse bindings of parameters that do not exist or take no single field."""
        for name in self.bind:
            if name not in {p.name for p in self.parameters}:
                names = known(name, (p.name for p in self.parameters), "parameters")
                self.misfit(f"there is no parameter {name!r} to bind; {names}")
            if container.whole or container is Container.RECORD:
                self.misfit(f"parameter {name} takes all fields, it cannot be bound to one")

    def record_type(self, container: Container) -> Any:
        """Return the record's annotation, its required fields checked; None for other kinds."""
        if container is not Container.RECORD:
            return None
        name = self.parameters[0].name
        annotation = unwrapped(self.hints[name])[0]
        if isinstance(annotation, type) and annotation is not dict:
            for field in record_fields(annotation, self.origin):
                wanted = parse_type(field.annotation)[0]
                if field.required and not self.fields.has(field.name):
                    missing = self.fields.missing(field.name)
                    self.misfit(f"{annotation.__qualname__} of parameter {name}: {missing}")
                if wanted is not None and not self.fields.reads(field.name, wanted):
                    self._misread(f"{annotation.__qualname__} of {name}", field.name, wanted)
        return annotation

    def params(self, container: Container) -> tuple[Param, ...]:
        """Return the columns that travel to the function."""
        if container is Container.RECORD:
            return ()
        if container.whole:
            return self._columns(container)
        return tuple(self._param(p, container) for p in self.parameters)

    def _columns(self, container: Container) -> tuple[Param, ...]:
        annotation = unwrapped(self.hints[self.parameters[0].name])[0]
        unknown = [name for name, type_ in self.fields.types.items() if type_ is None]
        if not self.fields.closed or unknown:
            which = f"the type of {', '.join(unknown)} is" if unknown else "its columns are"
            text = (
                f"takes a {container.value}, but {which} not known here; declare the fields where "
                "the stream begins, for example schema={'temp_f': float, 'rh': float}"
            )
            self.misfit(text)
        # Nulls are values of a frame: no row is kept from the function because it has one.
        return tuple(
            Param(name, type_, nullable=True, annotation=annotation)
            for name, type_ in self.fields.types.items()
            if type_ is not None
        )

    def _param(self, parameter: inspect.Parameter, container: Container) -> Param:
        name = parameter.name
        field = self.bind.get(name, name)
        if not self.fields.has(field) and parameter.default is _EMPTY:
            text = f"parameter {name}: {self.fields.missing(field)}"
            hint = (
                f"; name the parameter like a field, or bind it: pu.call({self.name}, {name}=...)"
            )
            self.misfit(text.removesuffix("?") + hint)
        type_ = self._type(name, field, container)
        if not self.fields.reads(field, type_):
            self._misread(f"parameter {name}", field, type_)
        nullable = unwrapped(self.hints[name])[1]
        return Param(
            name, type_, nullable, self._shown(name, nullable), self._default(parameter, type_)
        )

    def _shown(self, name: str, nullable: bool) -> Any:
        annotation = unwrapped(self.hints[name])[0]
        return annotation | None if nullable and annotation is not Any else annotation

    def _type(self, name: str, field: str, container: Container) -> FieldType:
        if container is Container.SCALAR:
            found = _annotations.scalar_type(unwrapped(self.hints[name])[0])
            assert found is not None
            return found
        return self.element(name) or self.fields.type_of(field) or FieldType.FLOAT64

    def element(self, name: str) -> FieldType | None:
        """Return the type in a batch annotation, if it says one."""
        what = "the result" if name == "return" else f"parameter {name}"
        try:
            return _annotations.element_type(self.hints[name])
        except TypeError as err:
            text = f"{what} holds {err}; possible are bool, int64, float64, str and datetime64"
            self.refuse(text)

    def _misread(self, what: str, field: str, wanted: FieldType) -> NoReturn:
        have = self.fields.type_of(field)
        self.misfit(
            f"{what} is read as {wanted}, but field {field!r} is {have} here; annotate what it is, "
            "or declare it in schema= where the stream begins"
        )

    def _default(self, parameter: inspect.Parameter, type_: FieldType) -> Any:
        default, name = parameter.default, parameter.name
        if default is _EMPTY:
            return default
        if default is None:
            if unwrapped(self.hints[name])[1]:
                return None
            text = f"parameter {name} has the default None; annotate it with | None"
            self.refuse(text)
        if type_ is FieldType.FLOAT64 and type(default) is int:
            return float(default)
        possible = {
            FieldType.BOOL: bool,
            FieldType.INT64: int,
            FieldType.FLOAT64: float,
            FieldType.STRING: str,
        }
        if possible.get(type_) is not type(default):
            text = (
                f"parameter {name} ({type_}) has the default {default!r}; a default is None or a "
                "bool, int, float or str of the parameter's type"
            )
            self.refuse(text)
        return default
