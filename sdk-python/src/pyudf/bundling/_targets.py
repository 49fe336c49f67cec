"""What a target means: a notebook, a file or a package, and where its root is."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Final

from pyudf.bundling._extraction import module_name
from pyudf.bundling._manifest import Kind
from pyudf.errors import LoadError

_NAMED: Final = re.compile(r"(.+):([^\W\d]\w*)")
_DOTTED: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be bundled.

    Attributes:
        kind: What it is.
        root: The directory that its code is run in, absolute.
        path: The notebook or file, relative to the root.
        module: The name of its module.
        name: The app or function that the user named; empty if none.

    Example:
        >>> Target("package", "/srv", "heating/app.py", "heating.app", "").full
        '/srv/heating/app.py'
    """

    kind: Kind
    root: str
    path: str
    module: str
    name: str

    @property
    def full(self) -> str:
        """Where it is, absolute."""
        return os.path.join(self.root, self.path)


def split(target: str) -> tuple[str, str]:
    """Return the path of a target, and the name behind it.

    Example:
        >>> split("heat.ipynb:app"), split("heat.py")
        (('heat.ipynb', 'app'), ('heat.py', ''))
    """
    found = _NAMED.fullmatch(target)
    return (found[1], found[2]) if found else (target, "")


def resolve(target: str) -> Target:
    """Return what a target means.

    Raises:
        LoadError: There is no such thing.

    Example:
        >>> resolve("missing.py")
        Traceback (most recent call last):
            ...
        pyudf.errors.LoadError: there is no file 'missing.py' in ...
    """
    path, name = split(target)
    if path.endswith((".ipynb", ".py")):
        if not os.path.isfile(path):
            message = f"there is no file {path!r} in {os.getcwd()}"
            raise LoadError(message)
        root, file = os.path.split(os.path.abspath(path))
        if path.endswith(".ipynb"):
            return Target("notebook", root, file, module_name(file), name)
        return Target("file", root, file, os.path.splitext(file)[0], name)
    if os.path.isdir(path):
        return _package(os.path.abspath(path), name)
    stem = os.path.join(*path.split(".")) if _DOTTED.fullmatch(path) else ""
    if stem and os.path.isdir(stem):
        return _package(os.path.abspath(stem), name)
    if stem and os.path.isfile(f"{stem}.py"):
        return Target("package", os.getcwd(), f"{stem}.py", path, name)
    message = (
        f"{target} is nothing that can be bundled; name a notebook (heat.ipynb), a file (heat.py "
        "or features.py:heat_index) or a directory that is a package"
    )
    raise LoadError(message)


def _package(directory: str, name: str) -> Target:
    if not os.path.isfile(os.path.join(directory, "__init__.py")):
        message = f"{directory} is no package: it has no __init__.py; name the file with the app"
        raise LoadError(message)
    root, parts = os.path.dirname(directory), [os.path.basename(directory)]
    while os.path.isfile(os.path.join(root, "__init__.py")):
        parts.insert(0, os.path.basename(root))
        root = os.path.dirname(root)
    if os.path.isfile(os.path.join(directory, "app.py")):
        path, module = os.path.join(*parts, "app.py"), ".".join([*parts, "app"])
    else:
        path, module = os.path.join(*parts, "__init__.py"), ".".join(parts)
    return Target("package", root, path, module, name)
