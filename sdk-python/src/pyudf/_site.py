"""What the arguments of a step mean at the place of a pipeline where it is written."""

from __future__ import annotations

from typing import NamedTuple, NoReturn

from pyudf import _graph
from pyudf._inference import ExpressionError, infer
from pyudf.calls import Call, as_call
from pyudf.errors import DefinitionError, Origin
from pyudf.expressions import Column, Expr
from pyudf.functions import Function, Output, derive
from pyudf.schema import Fields
from pyudf.types import FieldType

_NEEDS_KEY = (
    'needs a key: it keeps something for each; write .key_by("field") before it, key="field" where '
    'the stream begins, or @app.udf(..., key="field")'
)


class Site(NamedTuple):
    """A place of a pipeline.

    Attributes:
        graph: The pipeline.
        fields: What is known of the fields there.
        keyed: Whether it is known what the records are keyed by.
        origin: Where the user writes the step.
    """

    graph: _graph.Graph
    fields: Fields
    keyed: bool
    origin: Origin

    def refuse(self, message: str) -> NoReturn:
        """Raise an error that points at the step."""
        raise DefinitionError(message, self.origin) from None

    def column(self, name: str, value: object) -> tuple[Expr | _graph.Bound, FieldType | None]:
        """Return what computes a column, and its type."""
        if isinstance(value, Expr):
            type_ = self.infer(value, f"column {name!r}")
            # A copy of a field that nobody declared keeps whatever JSON value it has.
            return value, FieldType.JSON if type_ is None and isinstance(value, Column) else type_
        if not callable(value) and not isinstance(value, Call):
            self.refuse(f"column {name!r} is {value!r}; for a constant write pu.lit({value!r})")
        function, bound = self.bind(as_call(value))
        if function.output is not Output.COLUMN:
            self.refuse(
                f"column {name!r}: {function.name} returns records, not one value a record; use "
                ".map or .flat_map, or return a scalar"
            )
        return bound, function.result_type

    def bind(self, callee: Call) -> tuple[Function, _graph.Bound]:
        """Return a function and the fields that its parameters read."""
        function = derive(callee.func, self.fields, callee.bind, callee.options, self.origin)
        if (function.states or function.timers) and not self.keyed:
            self.refuse(f"{function.name} {_NEEDS_KEY}")
        return self.bound(function, callee)

    def bound(self, function: Function, callee: Call) -> tuple[Function, _graph.Bound]:
        """Return a function as the graph has it, with the fields that a call binds."""
        function = self.graph.intern(function)
        args = tuple((p.name, callee.bind.get(p.name, p.name)) for p in function.params)
        return function, _graph.Bound(function, args)

    def infer(self, expr: Expr, what: str) -> FieldType | None:
        """Return an expression's type, None if it is not known."""
        try:
            return infer(expr, self.fields)
        except ExpressionError as err:
            self.refuse(f"{what}: {err}")

    def check_names(self, what: str, names: tuple[str, ...]) -> None:
        """Refuse names that no field has, that are none, or that stand twice."""
        if not names:
            self.refuse(f"{what}() needs at least one name of a field")
        for i, name in enumerate(names):
            if not isinstance(name, str) or not name:
                self.refuse(f"{what}() takes names of fields, not {name!r}")
            if name in names[:i]:
                self.refuse(f"{what}() names the field {name!r} twice")
            if not self.fields.has(name):
                self.refuse(f"{what}(): {self.fields.missing(name)}")
