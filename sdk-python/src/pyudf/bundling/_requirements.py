"""What has to be installed: as the project says, else as it is installed here."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from pyudf.bundling import _declared
from pyudf.bundling._faults import Fault
from pyudf.bundling._installed import distribution, packages
from pyudf.errors import Origin

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(slots=True)
class Requirements:
    """What has to be installed.

    Attributes:
        lines: As pip reads them, sorted, each with the reason.
        source: Where they are from.
        faults: What is wrong with them.
        notes: What people should know of them.
    """

    lines: dict[str, str] = field(default_factory=dict)
    source: str = "what is imported, as it is installed here"
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find(modules: Mapping[str, Origin], root: str, given: str | None) -> Requirements:
    """Return what modules need.

    Args:
        modules: Full names of modules that are imported, each with who does it.
        root: The directory of the target.
        given: A file of requirements; None: that of the project, if it has one.
    """
    found = Requirements()
    declared = _declared.read(root, given)
    if declared is not None:
        found.source, found.faults = declared.source, list(declared.faults)
        found.notes = list(declared.notes)
        found.lines = {line: declared.source for line in declared.lines}
    covered = _closure(_name(line) for line in found.lines)
    for module, origin in modules.items():
        names = _distributions(module)
        if not names:
            # Without the distribution nobody knows which of the declared ones has the module.
            if declared is None:
                found.faults.append(_unknown(module, origin))
            continue
        name = names[0]
        if name == "pyudf" or covered.intersection(names):
            continue
        _add_installed(found, name, origin, declared is not None)
    found.lines = {k: found.lines[k] for k in sorted(found.lines) if _name(k) != "pyudf"}
    return found


def is_installed(module: str) -> bool:
    """Tell whether a distribution here has a module."""
    return bool(_distributions(module))


def _add_installed(found: Requirements, name: str, origin: Origin, declared: bool) -> None:
    installed = distribution(name)
    assert installed is not None, "it has a module that is there"
    if '"file:' in (installed.read_text("direct_url.json") or ""):
        what = f"{name} is installed from a directory of this machine"
        fix = "copy its modules beside the target, or publish it and list it in the requirements"
        found.faults.append(Fault(origin, what, fix))
        return
    line = f"{name}=={installed.version}"
    found.lines.setdefault(line, f"imported at {origin}")
    if declared:
        found.notes.append(f"{line} is imported at {origin}, and {found.source} does not list it")


def _unknown(module: str, origin: Origin) -> Fault:
    top = module.split(".", maxsplit=1)[0]
    what = (
        f"there is no module {top!r} beside it, nor in the Python environment of {sys.executable}"
    )
    return Fault(origin, what, "install it there, or choose another interpreter with --python")


def _distributions(module: str) -> list[str]:
    """Return the normal names of the distributions that a module may be from, the best first."""
    names = set(packages().get(module.split(".", maxsplit=1)[0], ()))
    path = module.replace(".", "/")
    several = len(names) > 1
    fitting = {name for name in names if _has(name, path)} if several else names
    return sorted(_normal(name) for name in fitting or names)


def _has(name: str, path: str) -> bool:
    """Tell whether a distribution has a module, by its path without a suffix."""
    found = distribution(name)
    files = (found.files if found is not None else None) or ()
    wanted = (f"{path}.py", f"{path}/__init__.py")
    return any(str(f) in wanted for f in files)


def _closure(names: Iterable[str]) -> set[str]:
    """Return the names of distributions with all that they need, as far as they are installed."""
    closed: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in closed:
            continue
        closed.add(name)
        found = distribution(name)
        needed = (found.requires if found is not None else None) or []
        waiting += [_name(line) for line in needed if "extra ==" not in line]
    return closed


def _name(line: str) -> str:
    found = _NAME.match(line)
    return _normal(found[0]) if found else ""


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
