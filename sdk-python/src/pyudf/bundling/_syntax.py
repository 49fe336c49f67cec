"""Questions about expressions that several parts of the analysis ask."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from pyudf.bundling._statements import Statement

Definition = ast.FunctionDef | ast.AsyncFunctionDef


def running(node: ast.AST) -> Iterator[ast.AST]:
    """Return what runs when a statement runs: not the bodies of functions in it.

    Decorators, defaults and the bodies of classes do run.
    """
    yield node
    if isinstance(node, Definition):
        parts: Iterable[ast.AST] = [*node.decorator_list, *_defaults(node.args)]
    elif isinstance(node, ast.Lambda):
        parts = _defaults(node.args)
    else:
        parts = ast.iter_child_nodes(node)
    for part in parts:
        yield from running(part)


def _defaults(arguments: ast.arguments) -> list[ast.AST]:
    return [*arguments.defaults, *(d for d in arguments.kw_defaults if d is not None)]


def root(expression: ast.AST) -> str | None:
    """Return the name that a chain of attributes, items and calls begins with."""
    while True:
        match expression:
            case ast.Attribute() | ast.Subscript() | ast.Starred() | ast.Await():
                expression = expression.value
            case ast.Call():
                expression = expression.func
            case ast.Name():
                return expression.id
            case _:
                return None


def has_call(expression: ast.AST) -> bool:
    """Tell whether a chain of attributes and items has a call in it."""
    while isinstance(expression, ast.Attribute | ast.Subscript):
        expression = expression.value
    return isinstance(expression, ast.Call)


def mentioned(expression: ast.AST) -> Iterator[str]:
    """Return the names that an expression reads when it is evaluated."""
    return (n.id for n in running(expression) if isinstance(n, ast.Name))


def dotted(expression: ast.AST, modules: Mapping[str, str]) -> str:
    """Return what a chain of attributes is called from its module on; empty if it is no such.

    Args:
        expression: ``pd.read_csv`` for example.
        modules: What imports bind, ``{"pd": "pandas"}``.
    """
    parts: list[str] = []
    while isinstance(expression, ast.Attribute):
        parts.append(expression.attr)
        expression = expression.value
    if not isinstance(expression, ast.Name):
        return ""
    return ".".join([modules.get(expression.id, expression.id), *reversed(parts)])


def imported(statements: Iterable[Statement]) -> dict[str, str]:
    """Return what imports at the top bind, with the full name of each."""
    names: dict[str, str] = {}
    for statement in statements:
        for node in running(statement.node):
            names.update(_bound(node))
    return names


def _bound(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            top = alias.name.split(".")[0]
            yield (alias.asname, alias.name) if alias.asname else (top, top)
    elif isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            yield alias.asname or alias.name, f"{module}.{alias.name}"


def definitions(statements: Iterable[Statement]) -> dict[str, Definition]:
    """Return the functions that are defined at the top, by name; of several the last."""
    return {
        s.node.name: s.node
        for s in statements
        if isinstance(s.node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def is_guard(node: ast.AST) -> bool:
    """Tell whether a statement is ``if __name__ == "__main__":``."""
    if not isinstance(node, ast.If) or not isinstance(node.test, ast.Compare):
        return False
    sides = [node.test.left, *node.test.comparators]
    names = {s.id for s in sides if isinstance(s, ast.Name)}
    values = {s.value for s in sides if isinstance(s, ast.Constant)}
    return names == {"__name__"} and values == {"__main__"}
