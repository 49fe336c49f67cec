"""The modules beside a document that it imports, and what has to be installed."""

from __future__ import annotations

import ast
import importlib.machinery
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from pyudf.bundling._document import read_document
from pyudf.bundling._faults import Fault, Refused
from pyudf.bundling._paths import Paths
from pyudf.bundling._pickles import modules_of
from pyudf.bundling._reading import Reader
from pyudf.bundling._refusals import Refusals
from pyudf.bundling._requirements import is_installed
from pyudf.bundling._scopes import scope_of
from pyudf.bundling._selection import Selection
from pyudf.bundling._statements import Statement, parse
from pyudf.bundling._syntax import dotted, imported, is_guard
from pyudf.errors import LoadError, Origin

_COMPILED: Final = tuple(importlib.machinery.EXTENSION_SUFFIXES)


@dataclass(slots=True)
class Found:
    """What imports lead to.

    Attributes:
        files: Modules that go, by path relative to the root, each with who imports it.
        others: Full names of modules from elsewhere, each with who imports it.
        faults: What is wrong.
    """

    files: dict[str, Origin] = field(default_factory=dict)
    others: dict[str, Origin] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


class ModuleFinder:
    """Follows imports, from file to file."""

    def __init__(self, root: str, reader: Reader) -> None:
        """Make one.

        Args:
            root: The directory that the code is run in, below which all has to be.
            reader: Finds the data that modules read.
        """
        self._root, self._reader = root, reader
        self._search = [""]
        self.found = Found()

    def search_also(self, statements: Iterable[Statement], paths: Paths) -> None:
        """Take note of directories that statements add to ``sys.path``."""
        for statement in statements:
            node = statement.node
            call = node.value if isinstance(node, ast.Expr) else None
            if isinstance(call, ast.Call) and dotted(call.func, {}).startswith("sys.path."):
                text = paths.text(call.args[-1]) if call.args else None
                if text is not None:
                    self._search.append(os.path.normpath(text))

    def follow(self, statements: Iterable[Statement], package: str = "") -> None:
        """Take in what statements import.

        Args:
            statements: Those that go.
            package: The package that they are in, with dots.
        """
        for statement in statements:
            forgiven = _forgiven(statement.node)
            for node in ast.walk(statement.node):
                for name, optional in _imports(node, package):
                    spare = node in forgiven and not is_installed(name)
                    self._import(name, statement.at(node), optional=optional or spare)

    def take_pickled(self, path: str, origin: Origin) -> None:
        """Take in the modules whose classes a data file holds."""
        for module in modules_of(os.path.join(self._root, path)):
            if module == "__main__":
                what = f"{path} holds something that was defined in the notebook that saved it"
                fix = "define it in a module beside the notebook, import it, and save again"
                self.found.faults.append(Fault(origin, what, fix))
            else:
                # What only looks like a name in the data belongs to nobody.
                self._import(module, origin, optional=not is_installed(module))

    def take_file(self, path: str, origin: Origin) -> None:
        """Take in a module, and what it imports and reads."""
        path = path.replace(os.sep, "/")
        if path in self.found.files:
            return
        self.found.files[path] = origin
        try:
            program = parse(read_document(os.path.join(self._root, path)))
        except Refused as err:
            self.found.faults += err.faults
            return
        except LoadError as err:
            self.found.faults.append(Fault(origin, err.message, "mend that file"))
            return
        statements = [s for s in program.statements if not is_guard(s.node)]
        modules = imported(statements)
        self.found.faults += _module_faults(statements, modules)
        paths = Paths(statements, modules, path)
        self._reader.read(statements, paths, modules)
        self.follow(statements, os.path.dirname(path).replace("/", "."))

    def _import(self, name: str, origin: Origin, *, optional: bool) -> None:
        """Take in a module by its full name; an optional one may be something in a module."""
        top = name.split(".", maxsplit=1)[0]
        if top == "pyudf" or not top:
            return
        for directory in self._search:
            files = self._resolve(directory, name.split("."))
            if not files:
                continue
            if directory.split(os.sep)[0] == ".." or os.path.isabs(directory):
                what = f"the module {top} is in {directory}, outside of the bundle"
                fix = "copy it beside the notebook, or install it as a package"
                self.found.faults.append(Fault(origin, what, fix))
                return
            for file in files:
                self._take(file, origin)
            return
        if top not in sys.stdlib_module_names and not optional:
            self.found.others.setdefault(name, origin)

    def _take(self, file: str, origin: Origin) -> None:
        if not file.endswith(_COMPILED):
            self.take_file(file, origin)
            return
        what = f"{file} is compiled for this machine"
        fix = "make it a package with wheels, and list it in the requirements"
        self.found.faults.append(Fault(origin, what, fix))

    def _resolve(self, directory: str, parts: list[str]) -> list[str]:
        """Return the files that importing a module runs; none if it is not in the directory."""
        files: list[str] = []
        for part in parts:
            directory = os.path.join(directory, part)
            init = os.path.join(directory, "__init__.py")
            if self._is_file(init):
                files.append(init)
                continue
            file = next((f for f in self._candidates(directory) if self._is_file(f)), None)
            if file is not None:
                return [*files, file]
            if not os.path.isdir(os.path.join(self._root, directory)):
                return files
        return files

    def _candidates(self, stem: str) -> Iterator[str]:
        yield from (stem + suffix for suffix in (*_COMPILED, ".py"))

    def _is_file(self, path: str) -> bool:
        return os.path.isfile(os.path.join(self._root, path))


def _forgiven(node: ast.stmt) -> set[ast.AST]:
    """Return what may fail in a statement: what it tries, and what is for type checkers only."""
    forgiven: set[ast.AST] = set()
    for part in ast.walk(node):
        tried = isinstance(part, ast.Try) and any(_catches(h.type) for h in part.handlers)
        checked = isinstance(part, ast.If) and "TYPE_CHECKING" in ast.unparse(part.test)
        if tried or checked:
            body: list[ast.stmt] = getattr(part, "body", [])
            forgiven |= {inner for line in body for inner in ast.walk(line)}
    return forgiven


def _catches(kind: ast.expr | None) -> bool:
    names = {"ImportError", "ModuleNotFoundError", "Exception"}
    return kind is None or any(isinstance(n, ast.Name) and n.id in names for n in ast.walk(kind))


def _imports(node: ast.AST, package: str) -> Iterator[tuple[str, bool]]:
    """Return the modules that a node imports by their full names.

    With each comes whether it may be something in a module instead.
    """
    if isinstance(node, ast.Import):
        yield from ((alias.name, False) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        module = _absolute(node, package)
        if module:
            yield module, False
        for alias in node.names:
            yield f"{module}.{alias.name}".lstrip("."), True
    elif isinstance(node, ast.Call) and dotted(node.func, {}).endswith("import_module"):
        match node.args:
            case [ast.Constant(value=str(name)), *_] if not name.startswith("."):
                yield name, False


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    above = parts[: len(parts) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


def _module_faults(statements: list[Statement], modules: Mapping[str, str]) -> Iterator[Fault]:
    """Return the faults of a whole module, which may be used in other ways as well."""
    scopes = [scope_of(s) for s in statements]
    read = {name: s.origin for s, c in zip(statements, scopes, strict=True) for name in c.later}
    pairs = list(zip(statements, scopes, strict=True))
    yield from Refusals(statements, modules).of_module(pairs, Selection(read_later=read))
