"""The app of a document, its streams, and the statements by which it writes something."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from pyudf.bundling._scopes import Scope
from pyudf.bundling._statements import Statement
from pyudf.bundling._syntax import definitions, dotted, imported, is_guard, root, running

# What an app or a stream is asked while exploring: no part of a pipeline.
_EXPLORING: Final = frozenset(
    "defined_at describe explain fields functions head name plan replay show".split()
)
_WRITING: Final = frozenset({"to", "udf"})
_FILLING: Final = frozenset({"add", "append", "extend", "insert", "setdefault", "update"})
_APP: Final = frozenset({"pyudf.App", "pyudf.app.App"})
_LOOKERS: Final = frozenset(
    {"display", "print", "repr", "str", "type", "isinstance", "len", "vars"}
)


@dataclass(slots=True)
class Pipelines:
    """The apps of a document.

    Attributes:
        apps: Names that stand for an app at the end of the run, with the statement that makes it.
        roots: The statements that write something, or hand an app to code elsewhere, with the
            statements that make the apps which they do it for.
        streams: All names that ever stand for an app or a stream.
    """

    apps: dict[str, int] = field(default_factory=dict)
    roots: dict[int, frozenset[int]] = field(default_factory=dict)
    streams: set[str] = field(default_factory=set)


def pipelines(
    statements: tuple[Statement, ...], scopes: tuple[Scope, ...], named: str = ""
) -> Pipelines:
    """Follow the apps of a document through its statements.

    Args:
        statements: All of them.
        scopes: Their names.
        named: A name that is known to be one of an app, however it is made.
    """
    return _Follower(statements, scopes, named).follow()


class _Follower:
    def __init__(
        self, statements: tuple[Statement, ...], scopes: tuple[Scope, ...], named: str
    ) -> None:
        self._pairs = list(zip(statements, scopes, strict=True))
        self._modules = imported(statements)
        self._functions = definitions(statements)
        self._later = {
            s.node.name: scope.later
            for s, scope in self._pairs
            if isinstance(s.node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        self._named = named
        # Which apps a name stands for just now, by the statements that make them.
        self._known: dict[str, frozenset[int]] = {}
        self._apps: set[str] = set()
        self._found = Pipelines()

    def follow(self) -> Pipelines:
        for statement, scope in self._pairs:
            if is_guard(statement.node):
                continue
            self._step(statement, scope)
        for name in sorted(self._apps):
            for index in self._known.get(name, ()):
                self._found.apps[name] = index
        return self._found

    def _step(self, statement: Statement, scope: Scope) -> None:
        node = statement.node
        made = self._made(statement, scope)
        meant = frozenset().union(*(self._meant(part) for part in _expressions(node)))
        for name in made:
            self._bind(name, frozenset({statement.index}), app=True)
        written = self._written(node)
        if written:
            self._found.roots[statement.index] = written
        is_definition = isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import
        )
        for name in scope.binds - made:
            if meant and not is_definition:
                self._bind(name, meant, app=self._is_copy(node))
            elif name in scope.kills:
                self._known.pop(name, None)
                self._apps.discard(name)
        for name, held in self._filled(node):
            self._bind(name, held | self._known.get(name, frozenset()), app=False)

    def _filled(self, node: ast.stmt) -> Iterator[tuple[str, frozenset[int]]]:
        """Return the containers that a statement puts a stream into."""
        for part in running(node):
            targets: list[ast.expr] = []
            values: list[ast.expr] = []
            if isinstance(part, ast.Assign):
                targets = [t for t in part.targets if isinstance(t, ast.Subscript | ast.Attribute)]
                values = [part.value]
            elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
                targets = [part.func.value] if part.func.attr in _FILLING else []
                values = part.args
            held = frozenset().union(*map(self._meant, values))
            for name in filter(None, map(root, targets)):
                if held and name not in self._apps:
                    yield name, held

    def _bind(self, name: str, apps: frozenset[int], *, app: bool) -> None:
        self._known[name] = apps
        self._found.streams.add(name)
        if app:
            self._apps.add(name)
        else:
            self._apps.discard(name)

    def _is_copy(self, node: ast.stmt) -> bool:
        """Tell whether a statement gives an app another name."""
        value = getattr(node, "value", None)
        return isinstance(value, ast.Name) and value.id in self._apps

    def _made(self, statement: Statement, scope: Scope) -> set[str]:
        """Return the names that a statement binds to a new app."""
        node = statement.node
        if self._named in scope.kills and self._is_from_elsewhere(node):
            return {self._named}
        made = set()
        for part in running(node):
            value, targets = _binding(part)
            if value is not None and self._makes(value):
                made |= {t.id for t in targets if isinstance(t, ast.Name)}
        return made

    def _is_from_elsewhere(self, node: ast.stmt) -> bool:
        """Tell whether a statement binds a name to what an imported module has or makes."""
        if isinstance(node, ast.ImportFrom):
            return True
        value = getattr(node, "value", None)
        full = dotted(value.func, self._modules) if isinstance(value, ast.Call) else ""
        top = full.split(".")[0]
        return top != "pyudf" and top in {m.split(".")[0] for m in self._modules.values()}

    def _makes(self, value: ast.expr) -> bool:
        if not isinstance(value, ast.Call):
            return False
        if dotted(value.func, self._modules) in _APP:
            return True
        name = value.func.id if isinstance(value.func, ast.Name) else ""
        function = self._functions.get(name)
        return function is not None and any(
            isinstance(part, ast.Return) and self._returns_app(part.value, function)
            for part in ast.walk(function)
        )

    def _returns_app(self, value: ast.expr | None, function: ast.AST) -> bool:
        """Tell whether a function returns an app that it makes."""
        if not isinstance(value, ast.Name):
            return value is not None and self._makes(value)
        bound = (_binding(part) for part in ast.walk(function))
        return any(
            made is not None
            and dotted(getattr(made, "func", made), self._modules) in _APP
            and any(isinstance(t, ast.Name) and t.id == value.id for t in targets)
            for made, targets in bound
        )

    def _meant(self, expression: ast.AST) -> frozenset[int]:
        """Return the apps that an expression gives something of: the app, streams, lists."""
        if isinstance(expression, ast.Attribute) and expression.attr in _EXPLORING:
            return frozenset()
        if isinstance(expression, ast.Name):
            return self._known.get(expression.id, frozenset())
        meant: set[int] = set()
        if isinstance(expression, ast.Call) and isinstance(expression.func, ast.Name):
            if expression.func.id in _LOOKERS:
                return frozenset()
            for name in self._later.get(expression.func.id, ()):
                meant |= self._known.get(name, frozenset())
        if isinstance(expression, ast.Lambda):
            return frozenset()
        for part in ast.iter_child_nodes(expression):
            meant |= self._meant(part)
        return frozenset(meant)

    def _written(self, node: ast.stmt) -> frozenset[int]:
        """Return the apps for which a statement writes something when it runs."""
        written: set[int] = set()
        loops = list(_loops(node))
        before = dict(self._known)
        # The variables of loops stand for what is looped over, inside the statement.
        for target, iterated in loops:
            meant = self._meant(iterated)
            self._known.update({name: meant for name in target if meant})
        for part in running(node):
            value, targets = _binding(part)
            if value is not None and part is not node and (meant := self._meant(value)):
                self._known.update({t.id: meant for t in targets if isinstance(t, ast.Name)})
            if isinstance(part, ast.Call):
                written |= self._written_by(part, bare=_is_bare(node, part))
        self._known = before
        return frozenset(written)

    def _written_by(self, call: ast.Call, *, bare: bool) -> frozenset[int]:
        func = call.func
        if isinstance(func, ast.Attribute) and func.attr in _WRITING:
            return self._meant(func.value)
        given = [*call.args, *(k.value for k in call.keywords)]
        meant = frozenset().union(*(self._meant(value) for value in given))
        if isinstance(func, ast.Name) and func.id in self._functions:
            meant |= frozenset().union(
                *(self._known.get(n, frozenset()) for n in self._later[func.id])
            )
            return meant if self._writes(func.id, set()) else frozenset()
        handed = isinstance(func, ast.Name) or dotted(func, self._modules).split(".")[0] in (
            value.split(".")[0] for value in self._modules.values()
        )
        full = dotted(func, self._modules)
        looks = full.split(".")[0] in {"pyudf", "IPython"} or full in _LOOKERS
        return meant if bare and handed and not looks else frozenset()

    def _writes(self, name: str, within: set[str]) -> bool:
        """Tell whether a function of the document writes a stream when it is called."""
        if name in within or name not in self._functions:
            return False
        within.add(name)
        for part in ast.walk(self._functions[name]):
            if isinstance(part, ast.Call):
                func = part.func
                if isinstance(func, ast.Attribute) and func.attr in _WRITING:
                    return True
                if isinstance(func, ast.Name) and self._writes(func.id, within):
                    return True
        return False


def _is_bare(statement: ast.stmt, call: ast.Call) -> bool:
    return any(isinstance(p, ast.Expr) and p.value is call for p in running(statement))


def _binding(node: ast.AST) -> tuple[ast.expr | None, list[ast.expr]]:
    match node:
        case ast.Assign():
            return node.value, node.targets
        case ast.AnnAssign() | ast.NamedExpr():
            return node.value, [node.target]
        case _:
            return None, []


def _loops(node: ast.AST) -> Iterator[tuple[list[str], ast.expr]]:
    for part in running(node):
        if isinstance(part, ast.For | ast.AsyncFor | ast.comprehension):
            yield [n.id for n in ast.walk(part.target) if isinstance(n, ast.Name)], part.iter


def _expressions(node: ast.stmt) -> Iterable[ast.AST]:
    """Return the expressions whose values a statement may bind names to."""
    for part in running(node):
        match part:
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign() | ast.NamedExpr():
                if part.value is not None:
                    yield part.value
            case ast.For() | ast.AsyncFor():
                yield part.iter
            case ast.withitem():
                yield part.context_expr
