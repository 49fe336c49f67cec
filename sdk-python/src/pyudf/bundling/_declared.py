"""Requirements as projects write them: ``uv.lock``, ``pyproject.toml`` and ``requirements.txt``."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pyudf.bundling._faults import Fault
from pyudf.errors import LoadError, Origin

_LINE: Final = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?P<extras>\[[^\]]*\])?\s*"
    r"(?P<rest>@[^;]*|\(?[^;()]*\)?)\s*(?:;(?P<marker>.*))?"
)
_HASH: Final = re.compile(r"\s--hash[=\s]\S+")
_SECRET: Final = re.compile(r"://[^/@\s]+@")
_LOCAL: Final = "give it a version that can be downloaded, or copy its modules beside the target"


@dataclass(slots=True)
class Declared:
    """What a project says that it needs.

    Attributes:
        source: The file that says so, by its name.
        lines: As pip reads them.
        faults: What is wrong with them.
        notes: What was left out.
    """

    source: str
    lines: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, text: str, origin: Origin) -> None:
        """Add a requirement, in the one way that it is written in bundles."""
        found = _LINE.fullmatch(text.strip())
        if _SECRET.search(text):
            what = "a requirement has a user or a password in its address"
            fix = "leave it out, and let the machine that installs it know it"
            self.faults.append(Fault(origin, what, fix))
        elif found is None or "@ file:" in text or "@file:" in text:
            what = f"{text!r} names nothing that other machines can install"
            self.faults.append(Fault(origin, what, _LOCAL))
        else:
            self.lines.append(_normal(found))


def read(directory: str, given: str | None) -> Declared | None:
    """Return what the project of a directory says that it needs; None if it says nothing.

    Args:
        directory: That of the target.
        given: The file to read instead of those that are there.

    Raises:
        LoadError: A file cannot be read.
    """
    path = given or _search(directory)
    if path is None:
        return None
    declared = Declared(os.path.basename(path))
    try:
        if os.path.basename(path) == "uv.lock":
            _read_lock(path, declared)
        elif path.endswith(".toml"):
            _read_project(path, declared)
        else:
            _read_list(path, declared, ())
    except OSError as err:
        message = f"{path}: {err.strerror}; name a file of requirements that is there"
        raise LoadError(message) from err
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        message = f"{path} cannot be read ({err}); mend it, or name another with --requirements"
        raise LoadError(message) from err
    return declared


def _search(directory: str) -> str | None:
    """Return the nearest file between a directory and the root of its project."""
    home = os.path.expanduser("~")
    here = directory
    while True:
        is_root = os.path.exists(os.path.join(here, ".git"))
        for name in ("uv.lock", "pyproject.toml"):
            path = os.path.join(here, name)
            if os.path.isfile(path) and _has_project(path):
                return path
        path = os.path.join(here, "requirements.txt")
        if os.path.isfile(path) and (is_root or here == directory):
            return path
        above = os.path.dirname(here)
        if is_root or here in (above, home):
            return None
        here = above


def _has_project(path: str) -> bool:
    """Tell whether a file says what a project needs, rather than how a tool works."""
    if not path.endswith(".toml"):
        return True
    try:
        with open(path, "rb") as file:
            return "dependencies" in tomllib.load(file).get("project", {})
    except tomllib.TOMLDecodeError:
        return True


def _read_project(path: str, declared: Declared) -> None:
    with open(path, "rb") as file:
        project = tomllib.load(file).get("project", {})
    for text in project.get("dependencies", ()):
        declared.add(text, Origin(path, _line_of(path, text)))


def _line_of(path: str, text: str) -> int:
    with open(path, encoding="utf-8") as file:
        return next((n for n, line in enumerate(file, 1) if text in line), 1)


def _read_list(path: str, declared: Declared, within: tuple[str, ...]) -> None:
    with open(path, encoding="utf-8-sig") as file:
        text = file.read()
    for number, line in _logical(text):
        origin = Origin(path, number)
        option, _, value = line.partition(" ")
        if option in ("-r", "--requirement") or option.startswith("--requirement="):
            other = os.path.join(os.path.dirname(path), (value or option.partition("=")[2]).strip())
            if other not in within:
                _read_list(other, declared, (*within, path))
        elif option in ("-e", "--editable") or line.startswith((".", "/")):
            what = f"{line!r} is a directory of this machine"
            declared.faults.append(Fault(origin, what, _LOCAL))
        elif line.startswith("-"):
            declared.notes.append(f"{option.split('=')[0]} of {declared.source} is left out")
        else:
            declared.add(_HASH.sub("", line), origin)


def _logical(text: str) -> Iterator[tuple[int, str]]:
    """Return the lines of a file of requirements, without comments and joined where they go on."""
    start, joined = 1, ""
    for number, line in enumerate(text.split("\n"), 1):
        start = start if joined else number
        joined += re.sub(r"(^|\s)#.*$", "", line)
        if joined.endswith("\\"):
            joined = joined[:-1] + " "
            continue
        if joined.strip():
            yield start, joined.strip()
        joined = ""


def _read_lock(path: str, declared: Declared) -> None:
    """Add all that the project of a lock file needs, each in the version that was locked."""
    with open(path, "rb") as file:
        packages = tomllib.load(file).get("package", [])
    roots = [p for p in packages if {"virtual", "editable"} & p.get("source", {}).keys()]
    roots = [p for p in roots if "." in p["source"].values()] or roots[:1]
    origin = Origin(path, 1)
    markers: dict[tuple[str, str], set[str]] = {}
    waiting = [(edge, "") for root in roots for edge in root.get("dependencies", ())]
    while waiting:
        edge, above = waiting.pop()
        marker = _joined([m for m in (above, edge.get("marker", "")) if m], " and ")
        for package in _locked(packages, edge):
            key = (package["name"], package.get("version", ""))
            known = markers.setdefault(key, set())
            if marker in known or "" in known:
                continue
            known.add(marker)
            waiting += [(e, marker) for e in _edges(package, edge)]
    for (name, version), conditions in sorted(markers.items()):
        package = next(p for p in packages if (p["name"], p.get("version", "")) == (name, version))
        condition = "" if "" in conditions else _joined(sorted(conditions), " or ")
        _add_locked(declared, package, condition, origin)


def _joined(markers: list[str], word: str) -> str:
    return word.join(f"({m})" for m in markers) if len(markers) > 1 else "".join(markers)


def _locked(packages: list[dict[str, Any]], edge: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        p
        for p in packages
        if p["name"] == edge["name"] and edge.get("version") in (None, p.get("version"))
    ]


def _edges(package: Mapping[str, Any], edge: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    extras = package.get("optional-dependencies", {})
    more = [e for extra in edge.get("extra", ()) for e in extras.get(extra, ())]
    return [*package.get("dependencies", ()), *more]


def _add_locked(
    declared: Declared, package: Mapping[str, Any], condition: str, origin: Origin
) -> None:
    name, source = package["name"], package.get("source", {})
    suffix = f" ; {condition}" if condition else ""
    if "git" in source:
        address, _, revision = str(source["git"]).partition("#")
        declared.add(f"{name} @ git+{address.partition('?')[0]}@{revision}{suffix}", origin)
    elif "url" in source:
        declared.add(f"{name} @ {source['url']}{suffix}", origin)
    elif "registry" in source:
        declared.add(f"{name}=={package['version']}{suffix}", origin)
    elif name != "pyudf":
        what = f"{name} is a directory of this machine"
        declared.faults.append(Fault(origin, what, _LOCAL))


def _normal(found: re.Match[str]) -> str:
    name = re.sub(r"[-_.]+", "-", found["name"]).lower()
    extras = sorted(e.strip().lower() for e in (found["extras"] or "[]")[1:-1].split(",") if e)
    rest = found["rest"].strip().strip("()")
    if rest.startswith("@"):
        # An address ends at white space: before a marker there has to be some.
        rest = f" @ {rest[1:].strip()}"
    else:
        rest = ",".join(sorted("".join(part.split()) for part in rest.split(",") if part.strip()))
    marker = f" ; {found['marker'].strip()}" if found["marker"] else ""
    return f"{name}{'[' + ','.join(extras) + ']' if extras else ''}{rest}{marker}"
