"""What a user's path stands for: a file, a notebook, a package or a bundle, as a module."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

from pyudf.errors import LoadError


class Unit(NamedTuple):
    """What is run, and what of it is wanted.

    Attributes:
        home: The directory whose modules can be imported, absolute.
        at_home: Whether code names files relative to that directory.
        new: Makes the module, which is not run yet.
        name: The app or function; empty: the one app.
        shown: What messages call it.
    """

    home: str
    at_home: bool
    new: Callable[[], ModuleType]
    name: str
    shown: str


def split(target: str) -> tuple[str, str]:
    """Return the path of a target, and the name behind it."""
    path, colon, name = target.rpartition(":")
    return (path, name) if colon else (target, "")


def unit_of(path: str, name: str, *, function: bool) -> Unit:
    """Return what a path stands for.

    Args:
        path: A file, or the directory of a package.
        name: The app or function that is wanted; empty if none was named.
        function: Whether a plain function is wanted.

    Raises:
        LoadError: There is no such thing.
    """
    full = os.path.abspath(path)
    home = os.path.dirname(full)
    if os.path.isdir(path):
        return _directory(path, name)
    if not os.path.isfile(path):
        message = f"there is no file {path!r} in {os.getcwd()}"
        raise LoadError(message)
    if path.endswith(".pyudf"):
        return _bundle(path, name, function=function)
    if path.endswith(".ipynb"):
        return Unit(home, True, functools.partial(_new_notebook, full, name), name, path)
    if not path.endswith(".py"):
        message = (
            f"{path} is no Python file; its name must end in .py, in .ipynb for a notebook or in "
            ".pyudf for a bundle"
        )
        raise LoadError(message)
    return Unit(home, False, functools.partial(_new_module, full), name, path)


def home_of(target: str) -> str | None:
    """Return the directory that a target's functions are to be called in; None: any.

    Code of notebooks and bundles names files relative to where it lies.

    Example:
        >>> home_of("heat.py") is None
        True
    """
    path, _ = split(target)
    if path.endswith(".pyudf"):
        from pyudf import bundling  # noqa: PLC0415 - plain files need none of it

        return bundling.unpacked(path).directory
    return os.path.dirname(os.path.abspath(path)) if path.endswith(".ipynb") else None


def _directory(path: str, name: str) -> Unit:
    from pyudf import bundling  # noqa: PLC0415 - plain files need none of it

    target = bundling.resolve(path)
    return Unit(target.root, False, _new_in_package(target.module, target.full), name, path)


def _new_notebook(path: str, name: str) -> ModuleType:
    from pyudf import bundling  # noqa: PLC0415 - plain files need none of it

    return bundling.new_notebook_module(path, name)


def _bundle(path: str, name: str, *, function: bool) -> Unit:
    from pyudf import bundling  # noqa: PLC0415 - plain files need none of it

    bundle = bundling.unpacked(path)
    entry = bundle.manifest.entry
    if entry.function and not function:
        message = (
            f"{path} is a bundle of the function {entry.name}; say what it reads and writes: "
            f"pyudf run {path}:{entry.name} --from TOPIC --to TOPIC"
        )
        raise LoadError(message)
    file = os.path.join(bundle.directory, *entry.file.split("/"))
    new: Callable[[], ModuleType]
    if entry.kind == "notebook":
        new = functools.partial(bundling.new_packed_module, bundle)
    elif entry.kind == "package":
        new = _new_in_package(entry.module, file)
    else:
        new = functools.partial(_new_module, file)
    return Unit(bundle.directory, True, new, name or entry.name, path)


def _new_module(path: str) -> ModuleType:
    name = os.path.splitext(os.path.basename(path))[0]
    other = getattr(sys.modules.get(name), "__file__", None)
    if name in sys.stdlib_module_names or name == "pyudf" or other not in (None, path):
        message = (
            f"{path} has the name of the module {name!r}, which it would hide; rename the file"
        )
        raise LoadError(message)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None, "a .py file has a loader"
    return importlib.util.module_from_spec(spec)


def _new_in_package(name: str, path: str) -> Callable[[], ModuleType]:
    def new() -> ModuleType:
        # It runs the packages around it, which are the user's own code too.
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin != path:
            message = f"{path} has the name of another module, {name!r}; rename the package"
            raise LoadError(message)
        return importlib.util.module_from_spec(spec)

    return new
