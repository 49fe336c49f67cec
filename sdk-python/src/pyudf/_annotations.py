"""What a type annotation means to the engine.

Nothing here imports numpy, pandas, pyarrow, msgspec or pydantic: a user's annotation can only name
their classes if the user's own module imported them already.
"""

from __future__ import annotations

import ast
import collections.abc
import dataclasses
import datetime
import decimal
import enum
import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pyudf.errors import caller_frame
from pyudf.types import FieldType


class Container(enum.Enum):
    """What a function takes its input in.

    ``SCALAR``: one value a parameter. ``RECORD``: one whole record. The others take a batch:
    a pandas Series, a numpy array or an Arrow array a parameter, or one DataFrame or Arrow table;
    a function over a group also a list a parameter, ``LIST``.

    Example:
        >>> Container.SERIES.vectorised
        True
    """

    SCALAR = "a scalar"
    RECORD = "a record"
    SERIES = "pandas.Series"
    NDARRAY = "numpy.ndarray"
    ARRAY = "pyarrow.Array"
    FRAME = "pandas.DataFrame"
    TABLE = "pyarrow.Table"
    LIST = "list"

    @property
    def vectorised(self) -> bool:
        """Whether the function takes a whole batch in one call."""
        return self not in (Container.SCALAR, Container.RECORD)

    @property
    def whole(self) -> bool:
        """Whether one parameter takes all the fields of a batch."""
        return self in (Container.FRAME, Container.TABLE)


SCALARS: Mapping[Any, FieldType] = types.MappingProxyType(
    {
        bool: FieldType.BOOL,
        int: FieldType.INT64,
        float: FieldType.FLOAT64,
        str: FieldType.STRING,
        decimal.Decimal: FieldType.DECIMAL,
        datetime.datetime: FieldType.TIMESTAMP,
        datetime.date: FieldType.TIMESTAMP,
        list: FieldType.JSON,
        dict: FieldType.JSON,
        Any: FieldType.JSON,
    }
)

# What messages name as possible.
FIELDS = "bool, int, float, str, Decimal, datetime, date, list, dict or Any, each also with | None"
RECORDS = "dict, a TypedDict, a dataclass, a msgspec.Struct or a pydantic model"
BATCHES = "pd.Series, np.ndarray, pa.Array, pd.DataFrame or pa.Table"

_LIBRARY_CONTAINERS = (
    ("pandas", "Series", Container.SERIES),
    ("pandas", "DataFrame", Container.FRAME),
    ("numpy", "ndarray", Container.NDARRAY),
    ("pyarrow", "Array", Container.ARRAY),
    ("pyarrow", "Table", Container.TABLE),
)

_ARROW_ARRAYS: Mapping[str, FieldType] = types.MappingProxyType(
    {
        "BooleanArray": FieldType.BOOL,
        "Int64Array": FieldType.INT64,
        "DoubleArray": FieldType.FLOAT64,
        "StringArray": FieldType.STRING,
    }
)

_NUMPY_KINDS: Mapping[str, FieldType] = types.MappingProxyType(
    {
        "b": FieldType.BOOL,
        "i": FieldType.INT64,
        "u": FieldType.INT64,
        "f": FieldType.FLOAT64,
        "U": FieldType.STRING,
        "T": FieldType.STRING,
        "M": FieldType.TIMESTAMP,
    }
)

_ITERABLES = (
    collections.abc.Iterable,
    collections.abc.Iterator,
    collections.abc.Generator,
    collections.abc.Sequence,
    list,
)


class UnresolvedError(Exception):
    """An annotation that is text could not be evaluated.

    Attributes:
        name: The parameter or field, ``return`` for the result.
        text: The annotation as it was written.
        reason: What Python said.
    """

    def __init__(self, name: str, text: str, reason: str) -> None:
        """Make an error from its parts."""
        super().__init__(f"annotation {text!r} of {name}: {reason}")
        self.name = name
        self.text = text
        self.reason = reason


def resolve(owner: Callable[..., Any] | type) -> dict[str, Any]:
    """Return the annotations of a function or class, those written as text evaluated.

    Names are looked up where the owner was defined, then in the function that is calling pyudf.

    Raises:
        UnresolvedError: A name in an annotation does not exist.
    """
    if isinstance(owner, type):
        resolved: dict[str, Any] = {}
        for base in reversed(owner.__mro__):
            namespace = vars(sys.modules[base.__module__]) if base.__module__ in sys.modules else {}
            raw = inspect.get_annotations(base)
            resolved |= {n: _evaluate(n, a, namespace) for n, a in raw.items()}
        return resolved
    function = inspect.unwrap(owner)
    function = getattr(function, "__func__", function)
    namespace = getattr(function, "__globals__", {})
    raw = getattr(function, "__annotations__", {})
    return {name: _evaluate(name, text, namespace) for name, text in raw.items()}


def _evaluate(name: str, annotation: Any, namespace: dict[str, Any]) -> Any:
    frame = caller_frame()
    try:
        return _hint(annotation, namespace, namespace)
    except NameError as err:
        reason = str(err)
    except (TypeError, SyntaxError) as err:
        return _series_of(name, annotation, namespace, str(err))
    try:
        return _hint(annotation, namespace, {} if frame is None else frame.f_locals)
    except (NameError, TypeError, SyntaxError):
        raise UnresolvedError(name, _text(annotation), reason) from None


def _hint(annotation: Any, namespace: dict[str, Any], local: Mapping[str, Any]) -> Any:
    holder = type("Holder", (), {"__annotations__": {"it": annotation}})
    return typing.get_type_hints(holder, namespace, dict(local), include_extras=True)["it"]


def _series_of(name: str, annotation: Any, namespace: dict[str, Any], reason: str) -> Any:
    """Evaluate "pd.Series[float]", which type checkers know but pandas does not."""
    text = _text(annotation)
    try:
        expression = ast.parse(text, mode="eval").body
        if isinstance(expression, ast.Subscript):
            outer = _hint(ast.unparse(expression.value), namespace, namespace)
            if _library_container(outer) is Container.SERIES:
                return Annotated[outer, _hint(ast.unparse(expression.slice), namespace, namespace)]
    except (NameError, TypeError, SyntaxError):
        pass
    raise UnresolvedError(name, text, reason)


def _text(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else spelled(annotation)


def spelled(annotation: Any) -> str:
    """Return an annotation about as a person would write it.

    Example:
        >>> spelled(float), spelled(int | None), spelled(list[int])
        ('float', 'int | None', 'list[int]')
    """
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return annotation.__qualname__
    return str(annotation).removeprefix("typing.").replace("NoneType", "None")


def unwrapped(annotation: Any) -> tuple[Any, bool]:
    """Return an annotation without Annotated, NewType and Optional, and whether it allowed None.

    Example:
        >>> unwrapped(float | None)
        (<class 'float'>, True)
    """
    nullable = False
    while True:
        if typing.get_origin(annotation) is Annotated:
            annotation = typing.get_args(annotation)[0]
        elif isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        elif typing.get_origin(annotation) in (typing.Union, types.UnionType):
            rest = [a for a in typing.get_args(annotation) if a is not type(None)]
            if len(rest) != 1:
                return annotation, nullable or len(rest) < len(typing.get_args(annotation))
            annotation, nullable = rest[0], True
        else:
            return annotation, nullable


def plain(annotation: Any) -> tuple[Any, bool | None]:
    """Return a TypedDict's annotation without Required or NotRequired, and what that said.

    Example:
        >>> plain(typing.NotRequired[int])
        (<class 'int'>, False)
    """
    origin = typing.get_origin(annotation)
    if origin in (typing.Required, typing.NotRequired):
        return typing.get_args(annotation)[0], origin is typing.Required
    return annotation, None


def scalar_type(annotation: Any) -> FieldType | None:
    """Return the type of a field that is annotated so; None if it is no scalar.

    REQUIRES: the annotation is unwrapped.

    Example:
        >>> scalar_type(list[int])
        <FieldType.JSON: 7>
    """
    origin = typing.get_origin(annotation)
    try:
        found = SCALARS.get(annotation if origin is None else origin)
    except TypeError:
        return None
    return found if origin is None or found is FieldType.JSON else None


def is_record(annotation: Any) -> bool:
    """Tell whether an unwrapped annotation stands for a whole record.

    Example:
        >>> is_record(dict[str, float]), is_record(dict[int, float]), is_record(float)
        (True, False, False)
    """
    if annotation is dict:
        return True
    if typing.get_origin(annotation) is dict:
        return typing.get_args(annotation)[0] is str
    return isinstance(annotation, type) and is_record_class(annotation)


def is_record_class(cls: type) -> bool:
    """Tell whether a class is a TypedDict, a dataclass, a msgspec.Struct or a pydantic model."""
    if typing.is_typeddict(cls) or dataclasses.is_dataclass(cls):
        return True
    bases = (_loaded("msgspec", "Struct"), _loaded("pydantic", "BaseModel"))
    return any(base is not None and issubclass(cls, base) for base in bases)


def container_of(annotation: Any) -> Container | None:
    """Return the library container that an unwrapped annotation names; None if it is none."""
    return _library_container(typing.get_origin(annotation) or annotation)


def _library_container(cls: Any) -> Container | None:
    for module, name, container in _LIBRARY_CONTAINERS:
        found = _loaded(module, name)
        if found is None or not isinstance(cls, type):
            continue
        if cls is found or (container is Container.ARRAY and issubclass(cls, found)):
            return container
    return None


def element_type(annotation: Any) -> FieldType | None:
    """Return the type of the values in a Series, ndarray or Array if its annotation says it.

    Raises:
        TypeError: It says a type that no field can have.
    """
    if typing.get_origin(annotation) is Annotated:
        series, element = typing.get_args(annotation)[:2]
        return scalar_type(element) if _library_container(series) else element_type(series)
    if typing.get_origin(annotation) is not None:
        return _dtype(typing.get_args(annotation)[-1])
    name = getattr(annotation, "__name__", "")
    if container_of(annotation) is not Container.ARRAY or name == "Array":
        return None
    if name not in _ARROW_ARRAYS:
        raise TypeError(name)
    return _ARROW_ARRAYS[name]


def _dtype(annotation: Any) -> FieldType | None:
    """Return the type that np.dtype[np.float64] stands for."""
    scalars = typing.get_args(annotation)
    if not scalars or scalars[0] is Any or isinstance(scalars[0], typing.TypeVar):
        return None
    numpy_dtype = _loaded("numpy", "dtype")
    try:
        kind = numpy_dtype(scalars[0]).kind if numpy_dtype is not None else ""
    except TypeError:
        kind = ""
    if kind not in _NUMPY_KINDS:
        raise TypeError(spelled(scalars[0]))
    return _NUMPY_KINDS[kind]


def iterable_element(annotation: Any) -> Any:
    """Return what an iterable, iterator, generator or list yields, unwrapped; None for others."""
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) not in _ITERABLES or not arguments:
        return None
    return unwrapped(arguments[0])[0]


def _loaded(module: str, name: str) -> Any:
    """Return a class of a library, None if nobody has imported the library."""
    return getattr(sys.modules.get(module), name, None)


def is_union(annotation: Any) -> bool:
    """Tell whether an annotation is one of several types.

    Example:
        >>> is_union(int | str), is_union(int)
        (True, False)
    """
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


def is_encoding(annotation: Any) -> bool:
    """Tell whether a class turns its values into bytes and back: ``encode`` and ``decode``.

    Example:
        >>> is_encoding(str)
        False
    """
    methods = ("encode", "decode")
    return isinstance(annotation, type) and all(
        callable(getattr(annotation, method, None)) for method in methods
    )
