"""A document taken apart: what goes, what does not and why, and what is wrong with it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pyudf.bundling._faults import Fault, Refused, ordered
from pyudf.bundling._pipeline import Pipelines, pipelines
from pyudf.bundling._refusals import Refusals
from pyudf.bundling._scopes import Scope, scope_of
from pyudf.bundling._selection import Selection, Selector
from pyudf.bundling._statements import Program, Statement, shown
from pyudf.bundling._syntax import definitions, dotted, imported, is_guard
from pyudf.errors import LoadError, Origin, known

_EMPTY: Final = Scope(*[frozenset()] * 6)


@dataclass(frozen=True, slots=True)
class Part:
    """A statement of a document, and what becomes of it.

    Attributes:
        origin: Where it begins.
        end: Its last line.
        text: Its first line.
        taken: Whether it goes.
        reason: Why, or why not.
    """

    origin: Origin
    end: int
    text: str
    taken: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """What of a document goes.

    Attributes:
        program: The document.
        name: The name of the app or function that it goes for.
        is_function: Whether that is a plain function.
        app: The name of the app, if the code says it outright.
        taken: The statements that go.
        parts: All statements and all else, in the order of their places.
        faults: What is wrong.
        modules: What imports bind.
    """

    program: Program
    name: str
    is_function: bool
    app: str
    taken: tuple[Statement, ...]
    parts: tuple[Part, ...]
    faults: tuple[Fault, ...]
    modules: dict[str, str]


def analyse(program: Program, name: str = "") -> Analysis:
    """Find out what of a document goes.

    Args:
        program: The document.
        name: An app or a function of it; empty: its one app.

    Raises:
        LoadError: It has no such app or function, or several apps and none was named.
    """
    statements = program.statements
    scopes = tuple(_EMPTY if is_guard(s.node) else scope_of(s) for s in statements)
    functions = definitions(statements)
    is_function = name in functions
    found = pipelines(statements, scopes, "" if is_function else name)
    if not name and not found.apps:
        found = pipelines(statements, scopes, "app")
    if not is_function:
        name = _choose(program, name, found, scopes)
    selector = Selector(statements, scopes, found)
    _take_settings(selector, statements)
    if is_function:
        selector.want(name, Origin(program.document.path, 0))
    else:
        _take_app(selector, found, name)
    selection = selector.selection()
    taken = tuple(s for s in statements if s.index in selection.reasons)
    modules = imported(statements)
    refusals = Refusals(statements, modules)
    faults = refusals.faults([(s, scopes[s.index]) for s in taken], selection)
    return Analysis(
        program,
        name,
        is_function,
        "" if is_function else _app_name(statements, found.apps.get(name), modules),
        taken,
        tuple(_parts(program, scopes, selection, found)),
        tuple(ordered([*faults, *selection.missing])),
        modules,
    )


def _choose(program: Program, name: str, found: Pipelines, scopes: tuple[Scope, ...]) -> str:
    """Return the name of the app that goes."""
    path = str(Origin(program.document.path, 0))
    if name:
        if name in found.apps:
            return name
        bound = {n for scope in scopes for n in scope.binds}
        if name in bound:
            message = f"{path}: {name} is no app; name what pu.App(...) is assigned to, or a def"
        else:
            message = f"{path} defines no app {name!r}; {known(name, found.apps, 'apps')}"
        raise LoadError(message)
    if not found.apps:
        message = (
            f'{path} defines no app; write app = pu.App("name"), or name a function with :NAME'
        )
        raise LoadError(message)
    if len(set(found.apps.values())) > 1:
        choices = ", ".join(f"{path}:{key}" for key in found.apps)
        message = f"{path} defines several apps; name the one that goes: {choices}"
        raise LoadError(message)
    return min(found.apps, key=lambda key: (key != "app", key))


def _take_settings(selector: Selector, statements: tuple[Statement, ...]) -> None:
    """Take what holds for all statements."""
    for statement in statements:
        node = statement.node
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            selector.take(statement.index, "it holds for all that goes")
        elif _extends_path(node):
            selector.take(statement.index, "imports may need it")


def _extends_path(node: ast.stmt) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and dotted(call.func, {}) in (
        "sys.path.append",
        "sys.path.insert",
    )


def _take_app(selector: Selector, found: Pipelines, name: str) -> None:
    index = found.apps[name]
    selector.take(index, "it is the app")
    for root, apps in sorted(found.roots.items()):
        if index in apps:
            selector.take(root, "the app writes there")


def _app_name(statements: tuple[Statement, ...], index: int | None, modules: dict[str, str]) -> str:
    """Return the name of an app, if it stands there as a text."""
    if index is None:
        return ""
    constants = {
        s.node.targets[0].id: s.node.value.value
        for s in statements
        if isinstance(s.node, ast.Assign)
        and isinstance(s.node.targets[0], ast.Name)
        and isinstance(s.node.value, ast.Constant)
        and isinstance(s.node.value.value, str)
    }
    for node in ast.walk(statements[index].node):
        if isinstance(node, ast.Call) and dotted(node.func, modules) == "pyudf.App":
            given = [*node.args, *(k.value for k in node.keywords if k.arg == "name")][:1]
            for value in given:
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    return value.value
                if isinstance(value, ast.Name):
                    return constants.get(value.id, "")
    return ""


def _parts(
    program: Program, scopes: tuple[Scope, ...], selection: Selection, found: Pipelines
) -> Iterator[Part]:
    """Return everything of a document in order."""
    needed = {n for i in selection.reasons for n in scopes[i].binds}
    parts = [
        Part(
            s.origin,
            s.end,
            shown(s.text),
            s.index in selection.reasons,
            selection.reasons.get(s.index) or _why_not(s, scopes[s.index], needed, found),
        )
        for s in program.statements
    ]
    for skipped in program.skipped:
        origin, text = skipped.origin, skipped.text
        parts.append(Part(origin, origin.line, shown(text), False, "a magic of IPython"))
    order = {cell.file: i for i, cell in enumerate(program.document.cells)}
    yield from sorted(parts, key=lambda p: (order[p.origin.file], p.origin.line))


def _why_not(statement: Statement, scope: Scope, needed: set[str], found: Pipelines) -> str:
    node = statement.node
    if is_guard(node):
        return "it runs in a notebook or a script only"
    if statement.index in found.roots:
        return "it is for another app, or for one that is made again further down"
    if isinstance(node, ast.Expr):
        return "it shows something, and changes nothing that goes"
    if scope.binds & needed:
        return f"{', '.join(sorted(scope.binds & needed))} is defined again further down"
    if scope.binds & found.streams:
        return "nothing of it is written anywhere"
    names = ", ".join(sorted(scope.binds)[:3])
    return f"nothing that goes uses {names}" if names else "nothing that goes uses it"


def check(analysis: Analysis, others: tuple[Fault, ...] = ()) -> None:
    """Refuse a document that has faults.

    Raises:
        Refused: All faults, those that others found too.
    """
    faults = ordered([*analysis.faults, *others])
    if faults:
        raise Refused(analysis.program.document.path, faults)
