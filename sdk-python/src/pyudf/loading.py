"""Loads a user's code: an app, or a function that becomes an app of its own."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from types import ModuleType, TracebackType
from typing import Any

from pyudf._cells import CellLoader
from pyudf._places import SUFFIXES, FileTarget, suffix_of
from pyudf._units import Unit, home_of, split, unit_of
from pyudf.app import App
from pyudf.errors import DefinitionError, LoadError, Origin, known
from pyudf.functions import Output, define
from pyudf.stream import Stream

__all__ = ["content_hash", "home_of", "load", "load_function"]

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_INSTALLED = {"site-packages", "dist-packages"}


def load(target: str) -> App:
    """Run a Python file, notebook, package or bundle and return the app that it defines.

    As with ``python app.py`` the file's directory comes first in ``sys.path``; the module is named
    after the file, so that ``if __name__ == "__main__"`` does not run. Of a notebook only what the
    app needs runs, in the notebook's directory.

    Args:
        target: A path such as ``app.py``, ``heat.ipynb``, ``heat-0123456789ab.pyudf`` or the
            directory of a package; with ``:name`` if there are several apps.

    Raises:
        LoadError: It cannot be read or run, or does not define exactly one app.

    Example:
        >>> load("missing.py")
        Traceback (most recent call last):
            ...
        pyudf.errors.LoadError: there is no file 'missing.py' in ...
    """
    path, name = split(target)
    unit = unit_of(path, name, function=False)
    name = unit.name
    module = _run(unit)
    apps = {key: value for key, value in vars(module).items() if isinstance(value, App)}
    if name:
        if name not in apps:
            message = f"{path} defines no app {name!r}; {known(name, apps, 'apps')}"
            raise LoadError(message)
        return apps[name]
    if not apps:
        message = f'{path} defines no app; write app = pu.App("name") at the top of the module'
        raise LoadError(message)
    if len({id(app) for app in apps.values()}) > 1:
        choices = ", ".join(f"{path}:{key}" for key in apps)
        message = f"{path} defines several apps; name the one to run: {choices}"
        raise LoadError(message)
    return next(iter(apps.values()))


def load_function(
    target: str,
    *,
    source: str,
    to: str,
    column: str | None,
    key: str | None = None,
    time: str | None = None,
) -> App:
    """Run a file and return an app around one of its functions, named after it.

    Args:
        target: Path and function, ``features.py:heat_index``; a notebook or bundle as well.
        source: A topic, or a file by its suffix.
        to: A topic, or a file by its suffix.
        column: The field for the function's value; None: one of the function's name, or none if
            the function returns records.
        key: As for ``App.topic``.
        time: As for ``App.topic``.

    Raises:
        LoadError: The file cannot be read or run, has no such function, or the function does not
            fit.
    """
    path, name = split(target)
    if not name:
        message = f"{target!r} names no function; write {path}:function"
        raise LoadError(message)
    func = _function(_run(unit_of(path, name, function=True)), path, name)
    try:
        app = App(name, defined_at=Origin.of(func))
        stream = _source(app, source, key, time)
        if column is None and define(func, schema=stream.fields).output is Output.COLUMN:
            column = name
        made = stream.apply(func) if column is None else stream.with_columns(**{column: func})
        made.to(FileTarget(to) if suffix_of(to) in SUFFIXES else to)
    except DefinitionError as err:
        raise LoadError(str(err)) from err
    return app


def content_hash(app: App, target: str = "") -> str:
    """Return a hash over the user's modules: the files below the app's directory that are loaded.

    Two processes that run the same code get the same hash, wherever it lies. A bundle has one of
    its own, which tells whether anything runs otherwise: ``pyudf bundle show`` prints it as the one
    without places.

    Args:
        app: The app.
        target: What it was loaded from.

    Returns:
        SHA-256 in hexadecimal.
    """
    path, _ = split(target)
    if path.endswith(".pyudf"):
        from pyudf import bundling  # noqa: PLC0415 - plain files need none of it

        return bundling.unpacked(path).manifest.content_hash
    loader = _cell_loader(app.defined_at.file)
    root = os.path.dirname(os.path.abspath(app.defined_at.file)) if loader is None else loader.home
    digest = hashlib.sha256()
    for path in sorted(_own_files(root)):
        if loader is not None and path.endswith(".ipynb"):
            # Of a notebook what runs counts, not what it shows.
            content = loader.text.encode()
        else:
            with open(path, "rb") as file:
                content = file.read()
        digest.update(f"{os.path.relpath(path, root)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _own_files(root: str) -> set[str]:
    """Return the source files below a directory that modules were loaded from."""
    found = set()
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if not isinstance(path, str) or not os.path.isfile(path):
            continue
        path = os.path.abspath(path)
        if path.startswith(root.rstrip(os.sep) + os.sep) and _is_users(path):
            found.add(path)
    return found


def _source(app: App, source: str, key: str | None, time: str | None) -> Stream:
    if suffix_of(source) in SUFFIXES:
        return app.file(source, key=key, time=time)
    return app.topic(source, key=key, time=time)


def _function(module: ModuleType, path: str, name: str) -> Callable[..., Any]:
    func: Callable[..., Any] | None = getattr(module, name, None)
    if callable(func):
        return func
    own = [
        key
        for key, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", None) == module.__name__
    ]
    message = f"{path} has no function {name!r}; {known(name, own, 'functions')}"
    raise LoadError(message)


def _run(unit: Unit) -> ModuleType:
    """Run a file as a module of its name."""
    if sys.path[:1] != [unit.home]:
        sys.path.insert(0, unit.home)
    return _guarded(unit)


def _cell_loader(file: str) -> CellLoader | None:
    """Return what ran the cell that a place is in."""
    for module in list(sys.modules.values()):
        loader = getattr(getattr(module, "__spec__", None), "loader", None)
        if isinstance(loader, CellLoader) and loader.owns(file):
            return loader
    return None


def _execute(unit: Unit) -> ModuleType:
    module = unit.new()
    assert module.__spec__ is not None and module.__spec__.loader is not None
    sys.modules[module.__name__] = module
    try:
        with contextlib.chdir(unit.home) if unit.at_home else contextlib.nullcontext():
            module.__spec__.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(module.__name__, None)
        raise
    return module


def _guarded(unit: Unit) -> ModuleType:
    """Run the user's code; what it raises becomes an error that says where and why."""
    try:
        return _execute(unit)
    except LoadError:
        raise
    except DefinitionError as err:
        raise LoadError(str(err)) from err
    except SystemExit as err:
        message = (
            f"{unit.shown} ended Python ({err!r}) while it was loaded; put what runs it by "
            'itself under if __name__ == "__main__":'
        )
        raise LoadError(message, user_traceback(err)) from err
    except Exception as err:
        raise LoadError(_reason(err, unit.shown), user_traceback(err)) from err


def _reason(err: Exception, path: str) -> str:
    """Say what stopped a file from running, and where."""
    if isinstance(err, SyntaxError) and err.filename:
        return f"{Origin(err.filename, err.lineno or 0)}: {type(err).__name__}: {err.msg}"
    where = str(_place(err.__traceback__) or path)
    if isinstance(err, ModuleNotFoundError) and err.name:
        return (
            f"{where}: there is no module {err.name!r} in the Python environment of "
            f"{sys.executable}; install it there, or choose another interpreter"
        )
    return f"{where}: {type(err).__name__}: {err}"


def _place(trace: TracebackType | None) -> Origin | None:
    """Return the innermost of the user's lines in a traceback."""
    places = [
        Origin(frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(trace)
        if _is_users(frame.f_code.co_filename)
    ]
    return places[-1] if places else None


def _is_users(file: str) -> bool:
    installed = _INSTALLED.intersection(file.split(os.sep))
    library = file.startswith((_PACKAGE, "<frozen ", os.path.dirname(os.__file__) + os.sep))
    return not installed and not library


def user_traceback(err: BaseException) -> str:
    """Return an exception as Python prints it, without the frames of pyudf and of the import."""
    shown = traceback.TracebackException.from_exception(err)
    for link in _chain(shown):
        own = [f for f in link.stack if not f.filename.startswith((_PACKAGE, "<frozen "))]
        link.stack = traceback.StackSummary.from_list(own)
    return "".join(shown.format())


def _chain(
    shown: traceback.TracebackException | None,
) -> Iterator[traceback.TracebackException]:
    while shown is not None:
        yield shown
        shown = shown.__cause__ or shown.__context__
