"""What is known of a stream's fields: schemas as users write them, and how steps change them."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from pyudf import _annotations
from pyudf.errors import DefinitionError, Origin, known
from pyudf.types import Field, FieldType

__all__ = ["Fields", "Schema", "parse_schema", "record_fields"]

Schema: TypeAlias = Mapping[str, Any] | type
"""A dict from field to type, or a TypedDict, dataclass, msgspec.Struct or pydantic model."""

_POSSIBLE = "bool, int, float, str, Decimal, datetime, date, list, dict, each also with | None"


@dataclass(frozen=True, slots=True)
class Fields:
    """What is known of the fields at one place of a pipeline. Immutable: a step makes a new one.

    Attributes:
        types: The known fields in order; None where only the name is known.
        closed: Whether the known fields are all there are.
        computed: The fields that a step made: they have exactly the type that ``types`` says.

    Example:
        >>> fields = Fields.of((Field("rh", FieldType.FLOAT64),)).with_field("hot", FieldType.BOOL)
        >>> [f"{name}: {type}" for name, type in fields.types.items()]
        ['rh: float64', 'hot: bool']
    """

    types: Mapping[str, FieldType | None] = dataclasses.field(default_factory=dict)
    closed: bool = False
    computed: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Keep a copy of the types that nobody can change."""
        object.__setattr__(self, "types", types.MappingProxyType(dict(self.types)))

    @classmethod
    def of(cls, schema: Iterable[Field]) -> Fields:
        """Return the fields of a declared schema; of an empty one: nothing is known."""
        declared = {field.name: field.type for field in schema}
        return cls(declared, closed=bool(declared))

    def has(self, name: str) -> bool:
        """Tell whether records may have the field."""
        return name in self.types or not self.closed

    def type_of(self, name: str) -> FieldType | None:
        """Return the field's type, None if it is not known."""
        return self.types.get(name)

    def reads(self, name: str, wanted: FieldType) -> bool:
        """Tell whether the field can be read as a type, as far as is known."""
        have = self.type_of(name)
        if have is None:
            return True
        return have.converts(wanted) if name in self.computed else have.readable(wanted)

    def missing(self, name: str) -> str:
        """Return the sentence that says that there is no such field."""
        return f"there is no field {name!r}; {known(name, self.types)}"

    def with_field(self, name: str, type_: FieldType | None) -> Fields:
        """Return the fields with one more, or one replaced."""
        return Fields({**self.types, name: type_}, self.closed, self.computed | {name})

    def select(self, names: Iterable[str]) -> Fields:
        """Return only the named fields, in the order of the names."""
        kept = {name: self.type_of(name) for name in names}
        return Fields(kept, closed=True, computed=self.computed & kept.keys())

    def drop(self, names: Iterable[str]) -> Fields:
        """Return the fields without the named ones."""
        gone = set(names)
        kept = {name: t for name, t in self.types.items() if name not in gone}
        return Fields(kept, self.closed, self.computed - gone)


def parse_schema(schema: object, origin: Origin) -> tuple[Field, ...]:
    """Return the fields that a user's schema declares, none for None.

    Raises:
        DefinitionError: It is no schema, or a field has a type that no field can have.

    Example:
        >>> here = Origin("features.py", 3)
        >>> parse_schema({"station": str, "rh": "float64"}, here)[1]
        Field(name='rh', type=<FieldType.FLOAT64: 3>, nullable=False)
    """
    if schema is None:
        return ()
    if isinstance(schema, Mapping):
        declared = dict(schema)
    elif isinstance(schema, type) and _annotations.is_record_class(schema):
        declared = {spec.name: spec.annotation for spec in record_fields(schema, origin)}
    else:
        message = (
            f"schema= is {schema!r}; write a dict such as {{'temp_f': float}}, or a TypedDict, "
            "dataclass, msgspec.Struct or pydantic model"
        )
        raise DefinitionError(message, origin)
    if not declared:
        message = "schema= declares no field; leave it out if the fields are not known"
        raise DefinitionError(message, origin)
    return tuple(_field(name, type_, origin) for name, type_ in declared.items())


def _field(name: object, declared: Any, origin: Origin) -> Field:
    if not isinstance(name, str) or not name:
        message = f"schema= has a field named {name!r}; names are text that is not empty"
        raise DefinitionError(message, origin)
    type_, nullable = parse_type(declared)
    if type_ is None:
        message = (
            f"field {name!r} of schema= has type {_annotations.spelled(declared)}; "
            f"possible are {_POSSIBLE}, or a name: {', '.join(map(str, FieldType))}"
        )
        raise DefinitionError(message, origin)
    return Field(name, type_, nullable)


def parse_type(declared: Any) -> tuple[FieldType | None, bool]:
    """Return the type that a user wrote and whether it allows null; None if there is no such type.

    Example:
        >>> parse_type(int | None)
        (<FieldType.INT64: 2>, True)
        >>> parse_type("timestamp")
        (<FieldType.TIMESTAMP: 6>, False)
    """
    if isinstance(declared, FieldType):
        return declared, False
    if isinstance(declared, str):
        return FieldType.parse(declared), False
    inner, nullable = _annotations.unwrapped(declared)
    if _annotations.is_record(inner):
        return FieldType.JSON, nullable
    return _annotations.scalar_type(inner), nullable


class RecordField(NamedTuple):
    """A field of a record class.

    Attributes:
        name: The name in the records: aliases and renames are applied.
        annotation: Its resolved annotation.
        required: Whether a record without it cannot be read.
    """

    name: str
    annotation: Any
    required: bool


def record_fields(cls: type, origin: Origin) -> tuple[RecordField, ...]:
    """Return the fields of a TypedDict, dataclass, msgspec.Struct or pydantic model.

    Raises:
        DefinitionError: An annotation of the class names something that does not exist.
    """
    try:
        hints = _annotations.resolve(cls)
    except _annotations.UnresolvedError as err:
        message = f"{cls.__qualname__}: {err}; define or import the name before it is used"
        raise DefinitionError(message, origin) from None
    return tuple(_record_fields(cls, hints))


def _record_fields(cls: Any, hints: Mapping[str, Any]) -> Iterator[RecordField]:
    if typing.is_typeddict(cls):
        for name, hint in hints.items():
            annotation, required = _annotations.plain(hint)
            always = name in cls.__required_keys__ if required is None else required
            yield RecordField(name, annotation, always)
    elif dataclasses.is_dataclass(cls):
        none = dataclasses.MISSING
        for f in dataclasses.fields(cls):
            if f.init:
                required = f.default is none and f.default_factory is none
                yield RecordField(f.name, hints[f.name], required)
    elif hasattr(cls, "__struct_fields__"):
        import msgspec  # noqa: PLC0415 - only a user of Structs pays for it

        for info in msgspec.structs.fields(cls):
            yield RecordField(info.encode_name, hints[info.name], info.required)
    else:
        for name, model_field in cls.model_fields.items():
            alias = model_field.validation_alias
            field_name = alias if isinstance(alias, str) else name
            yield RecordField(field_name, hints[name], model_field.is_required())


def result_fields(annotation: Any, origin: Origin) -> Fields:
    """Return what is known of the fields of records that a function returns.

    Example:
        >>> class Reading(typing.TypedDict):
        ...     station: str
        >>> here = Origin("features.py", 3)
        >>> result_fields(Reading, here).types["station"]
        <FieldType.STRING: 4>
        >>> result_fields(dict, here).closed
        False
    """
    if not isinstance(annotation, type) or not _annotations.is_record_class(annotation):
        return Fields()
    found = {
        field.name: parse_type(field.annotation)[0] for field in record_fields(annotation, origin)
    }
    # Other classes may write fields under other names, or more of them.
    return Fields(found, closed=typing.is_typeddict(annotation))


def result_schema(annotation: Any, origin: Origin) -> tuple[Field, ...]:
    """Return the fields whose type is known of the records that a function returns.

    Example:
        >>> class Reading(typing.TypedDict):
        ...     station: str | None
        >>> result_schema(Reading, Origin("features.py", 3))
        (Field(name='station', type=<FieldType.STRING: 4>, nullable=True),)
    """
    if not isinstance(annotation, type) or not _annotations.is_record_class(annotation):
        return ()
    return tuple(_known(record_fields(annotation, origin)))


def _known(found: Iterable[RecordField]) -> Iterator[Field]:
    for field in found:
        type_, nullable = parse_type(field.annotation)
        if type_ is not None:
            yield Field(field.name, type_, nullable or not field.required)
