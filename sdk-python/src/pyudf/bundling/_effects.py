"""Which names a statement changes the values of, other than by binding them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pyudf.bundling._callables import Callables, callables
from pyudf.bundling._holding import holdings, kin
from pyudf.bundling._scopes import Scope
from pyudf.bundling._statements import Statement
from pyudf.bundling._syntax import (
    Definition,
    dotted,
    has_call,
    imported,
    root,
    running,
)

# Methods that change what they are called on, wherever their result goes.
_CHANGING: Final = frozenset(
    "add append appendleft apply_gradients clear compile difference_update discard extend "
    "extendleft fit fit_transform fit_predict fit_generator freeze insert intersection_update "
    "load_model load_state_dict load_weights move_to_end partial_fit pop popitem popleft "
    "put register remove reverse rotate set_params setdefault sort subtract train "
    "update write writelines".split()
)
# Those of them that are so of containers in modules, such as os.environ.
_CONTAINERS: Final = frozenset(
    "add append clear discard extend insert pop register remove setdefault update".split()
)
# Methods that people call to look at something.
_LOOKING: Final = frozenset(
    "bar barh boxplot count describe display dot explain groupby head hist info items "
    "iterplot keys line mean memory_usage nunique pie plot predict predict_proba print quantile "
    "sample scatter score shape show std sum summary tail to_csv to_excel to_html to_json "
    "to_markdown to_parquet to_string transform unique value_counts values".split()
)
# Functions that look at their arguments, or at nothing.
_LOOKERS: Final = frozenset(
    "all any assert_allclose bool dir display enumerate float help id int isinstance len list "
    "max min pprint print repr round sorted str sum tuple type vars".split()
)
_LOOKING_MODULES: Final = frozenset(
    "IPython altair bokeh builtins folium graphviz joblib.dump json.dump logging matplotlib "
    "numpy.testing pickle.dump plotly pprint pyudf rich seaborn sys tabulate time timeit tqdm "
    "warnings".split()
)
# Functions that change their first argument.
_ARGUMENT: Final = frozenset(
    "copyto delattr fill_diagonal heapify heappop heappush insort insort_left insort_right next "
    "place put put_along_axis setattr shuffle update_wrapper".split()
)
# Functions that change how a module works.
_SETTINGS: Final = frozenset({"seed", "manual_seed", "patch", "patch_all", "use", "install"})


@dataclass(frozen=True, slots=True)
class Effects:
    """What a statement changes.

    Attributes:
        changes: The names of what it changes, without those that it binds anew.
        holds: Names of which one may hold what the other one is: a change of one is one of both.
        defines: Names that functions bind that it calls, through ``global``.
    """

    changes: frozenset[str]
    holds: tuple[tuple[str, str], ...]
    defines: frozenset[str]


class Analyser:
    """Finds the effects of the statements of a program."""

    def __init__(
        self, statements: tuple[Statement, ...], scopes: tuple[Scope, ...], streams: frozenset[str]
    ) -> None:
        """Make one.

        Args:
            statements: All of them.
            scopes: Their names.
            streams: Names of apps and streams: their methods return what they make.
        """
        self._modules = imported(statements)
        self._streams = streams
        self._callables = callables(statements, scopes)
        # What the bodies of callables change, their own parameters and names too.
        self._bodies: dict[int, frozenset[str]] = {}
        self._settle([body for found in self._callables.values() for body in found.bodies])

    def of(self, statement: Statement, scope: Scope) -> Effects:
        """Return the effects of a statement."""
        changes = set(self._changed(statement.node))
        defines: set[str] = set()
        for called in self._called(statement.node):
            changes |= called.reads & frozenset().union(*map(self._changed_in, called.bodies))
            defines |= called.sets
        plain = frozenset(changes - (scope.kills - scope.now))
        return Effects(plain, tuple(holdings(statement.node)), frozenset(defines))

    def _called(self, node: ast.AST) -> list[Callables]:
        """Return the functions of the document that a statement may call when it runs."""
        found: dict[str, Callables] = {}
        waiting = [n for part in running(node) for n in _callees(part)]
        while waiting:
            name = waiting.pop()
            if name in self._callables and name not in found:
                found[name] = self._callables[name]
                waiting += found[name].reads
        return list(found.values())

    def _settle(self, bodies: list[Definition]) -> None:
        """Find out what bodies change, those that they call included, however they call each other.

        A round takes in what the one before has found; rounds go to and fro, as most functions
        stand behind those that they call, or before.
        """
        self._bodies = {id(body): frozenset() for body in bodies}
        before: dict[int, frozenset[str]] = {}
        while before != self._bodies:
            before = dict(self._bodies)
            for body in bodies:
                self._bodies[id(body)] = self._changed_by_body(body)
            bodies = bodies[::-1]

    def _changed_by_body(self, body: Definition) -> frozenset[str]:
        functions = [n for n in ast.walk(body) if isinstance(n, Definition)]
        parts = [part for function in functions for part in function.body]
        changed = [name for part in parts for name in self._changed(part)]
        return frozenset(kin(changed, [pair for part in parts for pair in holdings(part)]))

    def _changed_in(self, body: Definition) -> frozenset[str]:
        """Return the names that a function changes when it is called, functions in it included."""
        return self._bodies[id(body)]

    def _changed(self, node: ast.AST) -> Iterator[str]:
        """Return the names at the roots of what a node changes when it runs."""
        for part in running(node):
            for target in _stored(part):
                yield from filter(None, [root(target)])
            if isinstance(part, ast.Expr):
                value = part.value.value if isinstance(part.value, ast.Await) else part.value
                if isinstance(value, ast.Call):
                    yield from self._by_bare_call(value)
            if isinstance(part, ast.Call):
                yield from self._by_call(part)
            if isinstance(part, ast.ClassDef):
                yield from self._by_subclass(part)
            for decorator in getattr(part, "decorator_list", ()):
                yield from self._by_decorator(decorator)

    def _by_subclass(self, node: ast.ClassDef) -> Iterator[str]:
        """Return the bases that take note of classes which are made of them."""
        for base in node.bases:
            if isinstance(base, ast.Name) and base.id in self._callables:
                if self._callables[base.id].hooked:
                    yield base.id

    def _by_decorator(self, decorator: ast.expr) -> Iterator[str]:
        """Return what takes a function in, as ``@handlers.register`` does."""
        chain = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = root(chain)
        if isinstance(chain, ast.Attribute) and name is not None:
            settled = name in self._modules and not chain.attr.startswith("register")
            if name not in self._streams and not settled:
                yield name

    def _by_bare_call(self, call: ast.Call) -> Iterator[str]:
        """Return what a call changes that is a statement: its result was not the aim."""
        name = root(call.func)
        if isinstance(call.func, ast.Attribute) and name is not None:
            attr = call.func.attr
            own = name not in self._modules and not has_call(call.func.value)
            asked = name in self._streams or attr in _LOOKING
            if own and (attr in _CONTAINERS or not asked):
                yield name
            if name in self._modules and (attr in _SETTINGS or attr.startswith("set")):
                yield name
        if self._looks(call.func) or _key(call.func) in self._callables:
            return
        if isinstance(call.func, ast.Name) or name in self._modules:
            yield from self._arguments(call)

    def _looks(self, func: ast.expr) -> bool:
        if isinstance(func, ast.Name) and func.id in _LOOKERS:
            return True
        full = dotted(func, self._modules) or dotted(ast.Name(root(func) or ""), self._modules)
        return full.split(".")[0] in _LOOKING_MODULES or full in _LOOKING_MODULES

    def _by_call(self, call: ast.Call) -> Iterator[str]:
        """Return what a call changes, wherever its result goes."""
        func = call.func
        last = func.attr if isinstance(func, ast.Attribute) else root(func)
        if isinstance(func, ast.Attribute) and (last in _CHANGING or _in_place(call)):
            yield from self._receiver(func)
        if last in _ARGUMENT and call.args:
            yield from filter(None, [root(call.args[0])])
        for keyword in call.keywords:
            if keyword.arg == "out":
                yield from filter(None, [root(keyword.value)])
        own = self._callables.get(_key(func))
        if own is None:
            return
        bound = isinstance(func, ast.Attribute) or own.is_class
        for body in own.bodies:
            yield from self._by_own_function(call, body, bound=bound)

    def _receiver(self, func: ast.Attribute) -> Iterator[str]:
        """Return what a changing method is called on; functions of modules only have its name."""
        name = root(func.value)
        if name is None:
            return
        if name not in self._modules:
            yield name
        elif func.attr in _CONTAINERS and not has_call(func.value):
            if isinstance(func.value, ast.Attribute) or "." in self._modules[name]:
                yield name

    def _by_own_function(self, call: ast.Call, body: Definition, *, bound: bool) -> Iterator[str]:
        """Return what a function of the document changes of what it is called with.

        Args:
            call: The call.
            body: The function.
            bound: Whether its first parameter is given by what stands before the dot, or by none.
        """
        changed = self._changed_in(body)
        parameters = _parameters(body)
        if bound and parameters:
            first, *parameters = parameters
            if first in changed and isinstance(call.func, ast.Attribute):
                yield from filter(None, [root(call.func.value)])
        spread = any(isinstance(a, ast.Starred) for a in call.args)
        if spread or any(k.arg is None for k in call.keywords):
            yield from self._arguments(call)
            return
        given = dict(zip(parameters, call.args, strict=False))
        given |= {k.arg: k.value for k in call.keywords if k.arg is not None}
        for parameter, value in given.items():
            if parameter in changed:
                yield from filter(None, [root(value)])
        if body.args.vararg is not None and body.args.vararg.arg in changed:
            yield from self._arguments(call)

    def _arguments(self, call: ast.Call) -> Iterator[str]:
        for value in [*call.args, *(k.value for k in call.keywords)]:
            name = root(value)
            known = name in self._modules or name in self._streams
            if name is not None and not known and not has_call(value):
                yield name


def _callees(node: ast.AST) -> Iterator[str]:
    """Return the names that a node calls, or hands to something that may call them."""
    if isinstance(node, ast.Call):
        yield _key(node.func)
        for value in (*node.args, *(k.value for k in node.keywords)):
            if isinstance(value, ast.Name):
                yield value.id
    for decorator in getattr(node, "decorator_list", ()):
        if isinstance(decorator, ast.Name):
            yield decorator.id


def _key(func: ast.expr) -> str:
    """Return what the callables of a document are found by: a name, or a dot and a method's."""
    if isinstance(func, ast.Attribute):
        return f".{func.attr}"
    return func.id if isinstance(func, ast.Name) else ""


def _stored(node: ast.AST) -> Iterator[ast.expr]:
    """Return the targets of a node that are changed rather than bound."""
    if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
        yield node
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Del):
        yield node
    elif isinstance(node, ast.AugAssign):
        yield node.target


def _in_place(call: ast.Call) -> bool:
    return any(
        k.arg == "inplace" and isinstance(k.value, ast.Constant) and k.value.value is True
        for k in call.keywords
    )


def _parameters(function: Definition) -> list[str]:
    arguments = function.args
    return [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
