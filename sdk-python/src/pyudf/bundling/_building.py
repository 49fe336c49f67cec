"""A bundle from a target: the code, what it imports and reads, and what it says of itself."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyudf
from pyudf.bundling import _requirements
from pyudf.bundling._analysis import Analysis, Part, analyse, check
from pyudf.bundling._archive import Content
from pyudf.bundling._document import read_document
from pyudf.bundling._extraction import extract
from pyudf.bundling._faults import Fault
from pyudf.bundling._manifest import Entry, File, Manifest
from pyudf.bundling._modules import ModuleFinder
from pyudf.bundling._paths import Paths
from pyudf.bundling._pickles import SUFFIXES
from pyudf.bundling._reading import Limits, Reader
from pyudf.bundling._statements import parse
from pyudf.bundling._targets import Target, resolve
from pyudf.errors import Origin

_UNFIT = re.compile(r"[\\:\0]")


@dataclass(frozen=True, slots=True)
class Bundle:
    """What goes to production, with the reasons.

    Attributes:
        content: The manifest and the files.
        parts: The statements of the target, those that do not go too.
        reasons: Why each file goes.
        requirements: What has to be installed, each with the reason, where that is from, and what
            people should know of it.

    Example:
        >>> bundle = build("missing.ipynb")
        Traceback (most recent call last):
            ...
        pyudf.errors.LoadError: there is no file 'missing.ipynb' in ...
    """

    content: Content
    parts: tuple[Part, ...]
    reasons: dict[str, str]
    requirements: _requirements.Requirements

    @property
    def file_name(self) -> str:
        """What the file of the bundle is called: its app and the beginning of its hash."""
        manifest = self.content.manifest
        name = manifest.app or manifest.entry.name
        return f"{name}-{manifest.hash[:12]}.pyudf"


def build(
    target: str,
    *,
    extra: Sequence[str] = (),
    requirements: str | None = None,
    max_file: int = 10_000_000,
) -> Bundle:
    """Make a bundle of a target. Nothing of it is run.

    Args:
        target: ``heat.ipynb``, ``heat.py``, ``features.py:heat_index`` or the directory of a
            package; with ``:name`` if there are several apps.
        extra: Files and directories beside it that go as well.
        requirements: A file with what has to be installed; None: that of the project, else what is
            imported.
        max_file: The largest data file that may go, in bytes.

    Raises:
        Refused: It cannot go as it is; the error has all the reasons.
        LoadError: There is no such target, or it has no app.

    Example:
        >>> build("notes.txt")
        Traceback (most recent call last):
            ...
        pyudf.errors.LoadError: notes.txt is nothing that can be bundled; name a notebook...
    """
    return _Builder(resolve(target), Limits(max_file)).build(extra, requirements)


class _Builder:
    def __init__(self, target: Target, limits: Limits) -> None:
        self._target = target
        self._reader = Reader(target.root, limits)
        self._finder = ModuleFinder(target.root, self._reader)

    def build(self, extra: Iterable[str], requirements: str | None) -> Bundle:
        target = self._target
        analysis = analyse(parse(read_document(target.full)), target.name)
        origin = Origin(target.full, 0)
        module = _file_of(target)
        paths = Paths(analysis.program.statements, analysis.modules, module)
        self._finder.search_also(analysis.taken, paths)
        if target.kind == "notebook":
            self._reader.read(analysis.taken, paths, analysis.modules)
            self._finder.follow(analysis.taken)
        else:
            self._take_package(origin)
        for path in extra:
            self._take_extra(path)
        self._take_pickled()
        reading, found = self._reader.reading, self._finder.found
        needed = _requirements.find(found.others, target.root, requirements)
        reasons = {path: f"imported at {who}" for path, who in found.files.items()}
        reasons |= {f.path: f"read at {f.origin}" for f in reading.files}
        unfit = [
            Fault(origin, f"no file of a bundle can be called {path!r}", "rename it")
            for path in reasons
            if _UNFIT.search(path) or (path == module and target.kind == "notebook")
        ]
        check(analysis, (*reading.faults, *found.faults, *needed.faults, *unfit))
        content = self._content(analysis, sorted(reasons), list(needed.lines))
        reasons[module] = f"what goes of {target.path}" if target.kind == "notebook" else "the app"
        return Bundle(content, analysis.parts, dict(sorted(reasons.items())), needed)

    def _take_package(self, origin: Origin) -> None:
        """Take in a file as it is, with the packages that it is in."""
        above = os.path.dirname(self._target.path)
        while self._target.kind == "package" and above:
            init = os.path.join(above, "__init__.py")
            if os.path.isfile(os.path.join(self._target.root, init)):
                self._finder.take_file(init, origin)
            above = os.path.dirname(above)
        self._finder.take_file(self._target.path, origin)

    def _take_pickled(self) -> None:
        """Take in what saved objects need, and what that needs, until there is no more."""
        done: set[str] = set()
        while new := [f for f in self._reader.reading.files if f.path not in done]:
            for file in new:
                done.add(file.path)
                if file.path.endswith(SUFFIXES):
                    self._finder.take_pickled(file.path, file.origin)

    def _take_extra(self, path: str) -> None:
        origin = Origin(f"--with {path}", 0)
        self._reader.take(os.path.relpath(os.path.abspath(path), self._target.root), origin)

    def _content(self, analysis: Analysis, paths: list[str], lines: list[str]) -> Content:
        files: dict[str, bytes] = {}
        for path in paths:
            with open(os.path.join(self._target.root, *path.split("/")), "rb") as file:
                files[path] = file.read()
        sources: dict[str, tuple[tuple[int, int, int, int], ...]] = {}
        if self._target.kind == "notebook":
            extracted = extract(analysis.taken)
            files[_file_of(self._target)] = extracted.text.encode()
            sources[_file_of(self._target)] = extracted.pieces
        manifest = Manifest(
            app=analysis.app,
            entry=self._entry(analysis),
            python=f"{sys.version_info.major}.{sys.version_info.minor}",
            pyudf=pyudf.__version__,
            requirements=tuple(lines),
            files=tuple(
                File(path, hashlib.sha256(files[path]).hexdigest(), len(files[path]))
                for path in sorted(files)
            ),
            sources=sources,
        )
        return Content(manifest, files)

    def _entry(self, analysis: Analysis) -> Entry:
        target = self._target
        return Entry(
            kind=target.kind,
            target=target.path.replace(os.sep, "/"),
            file=_file_of(target),
            module=target.module,
            name=analysis.name,
            function=analysis.is_function,
        )


def _file_of(target: Target) -> str:
    """Return the file of the bundle that is run."""
    if target.kind == "notebook":
        return f"{target.module}.py"
    return target.path.replace(os.sep, "/")
