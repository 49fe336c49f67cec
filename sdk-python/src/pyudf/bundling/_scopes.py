"""Which names of the module a statement binds and reads, and when it reads them."""

from __future__ import annotations

import ast
import symtable
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from pyudf.bundling._statements import Statement

_COMPREHENSIONS = frozenset({"listcomp", "setcomp", "dictcomp", "genexpr"})


@dataclass(frozen=True, slots=True)
class Scope:
    """The names of a statement.

    Attributes:
        binds: What it binds at the top of the module.
        kills: Those of them that it binds whatever happened before.
        now: What it reads when it runs.
        later: What functions in it read when they are called.
        maybe: What it may read: names in annotations, and those that a class has as well.
        sets: What functions in it bind through ``global`` when they are called.
    """

    binds: frozenset[str]
    kills: frozenset[str]
    now: frozenset[str]
    later: frozenset[str]
    maybe: frozenset[str]
    sets: frozenset[str]


def scope_of(statement: Statement) -> Scope:
    """Return the names of a statement."""
    table = _table(statement)
    names = _Names()
    names.read_module(table)
    annotated = {name for text in _annotations(statement.node) for name in _read(text)}
    kills = _killed(statement.node) & names.binds
    return Scope(
        frozenset(names.binds),
        frozenset(kills),
        frozenset(names.now - annotated),
        frozenset(names.later),
        frozenset(names.maybe | annotated),
        frozenset(names.sets),
    )


def _table(statement: Statement) -> symtable.SymbolTable:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        return symtable.symtable(statement.text, statement.origin.file, "exec")


class _Names:
    """Collects the names of tables."""

    def __init__(self) -> None:
        self.binds: set[str] = set()
        self.now: set[str] = set()
        self.later: set[str] = set()
        self.maybe: set[str] = set()
        self.sets: set[str] = set()

    def read_module(self, table: symtable.SymbolTable) -> None:
        for symbol in table.get_symbols():
            if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace():
                self.binds.add(symbol.get_name())
            if symbol.is_referenced():
                self.now.add(symbol.get_name())
        for child in table.get_children():
            self._read(child, self.now)

    def _read(self, table: symtable.SymbolTable, into: set[str]) -> None:
        """Add what a table reads of the module to ``now`` or ``later``."""
        kind = table.get_type()
        immediate = kind == "class" or table.get_name() in _COMPREHENSIONS
        into = into if immediate else self.later
        for symbol in table.get_symbols():
            name = symbol.get_name()
            if kind == "class" and symbol.is_referenced() and symbol.is_local():
                self.maybe.add(name)
            if not symbol.is_global():
                continue
            if symbol.is_referenced():
                into.add(name)
            if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace():
                # What a comprehension's := or a class's global statement binds, it binds now.
                (self.binds if into is self.now else self.sets).add(name)
        for child in table.get_children():
            self._read(child, into)


def _killed(node: ast.stmt) -> set[str]:
    """Return the names that a statement binds in any case."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return {node.name}
        case ast.Import() | ast.ImportFrom():
            return {alias.asname or alias.name.split(".")[0] for alias in node.names}
        case ast.Assign():
            return {name for target in node.targets for name in _targets(target)}
        case ast.AnnAssign() if node.value is not None:
            return set(_targets(node.target))
        case ast.With() | ast.AsyncWith():
            bound = {n for i in node.items if i.optional_vars for n in _targets(i.optional_vars)}
            return bound.union(*map(_killed, node.body))
        case _:
            return set()


def _targets(target: ast.expr) -> Iterator[str]:
    match target:
        case ast.Name():
            yield target.id
        case ast.Tuple() | ast.List():
            for item in target.elts:
                yield from _targets(item)
        case ast.Starred():
            yield from _targets(target.value)


def _annotations(node: ast.stmt) -> Iterator[ast.expr]:
    for part in ast.walk(node):
        match part:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if part.returns is not None:
                yield part.returns
            case ast.arg() | ast.AnnAssign() if part.annotation is not None:
                yield part.annotation


def _read(annotation: ast.expr) -> Iterator[str]:
    """Return the names in an annotation, those in its texts too."""
    for part in ast.walk(annotation):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            try:
                inner = ast.parse(part.value, mode="eval").body
            except SyntaxError:
                continue
            yield from (n.id for n in ast.walk(inner) if isinstance(n, ast.Name))
