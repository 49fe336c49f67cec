"""The files that code reads, as far as constants say which."""

from __future__ import annotations

import ast
import glob
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pyudf._cells import is_cell
from pyudf.bundling._faults import Fault
from pyudf.bundling._paths import Paths
from pyudf.bundling._statements import Statement
from pyudf.bundling._syntax import dotted, running
from pyudf.errors import Origin

_OPENING: Final = frozenset(
    {"open", "io.open", "gzip.open", "bz2.open", "lzma.open", "codecs.open"}
)
_READERS: Final = frozenset(
    "open genfromtxt fromfile imread memmap read_text read_bytes load loadtxt loadmat File "
    "ZipFile sqlite3.connect listdir scandir walk iterdir glob rglob from_file".split()
)
_METHODS: Final = frozenset({"open", "read_text", "read_bytes", "iterdir"})
_GLOBS: Final = frozenset({"glob", "rglob", "iglob"})
# Arguments that some libraries give files in.
_KEYWORDS: Final = frozenset({"file", "filename", "filepath_or_buffer", "path", "model_file", "io"})
_MOVE = "copy it beside the {kind} and write the path relative to it"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may go.

    Attributes:
        file: The largest data file, in bytes.
    """

    file: int = 10_000_000


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file that goes because code reads it.

    Attributes:
        path: Relative to the root of the bundle, with slashes.
        origin: Where it is read.
    """

    path: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Reading:
    """The files that code reads."""

    files: tuple[DataFile, ...]
    faults: tuple[Fault, ...]


class _Calls:
    """Finds what the calls of a document read."""

    def __init__(self, paths: Paths, modules: Mapping[str, str], root: str) -> None:
        self._paths, self._modules, self._root = paths, modules, root

    def texts(self, call: ast.Call) -> Iterator[str]:
        """Return what a call reads, as it was written."""
        name = dotted(call.func, self._modules)
        last = call.func.attr if isinstance(call.func, ast.Attribute) else name
        if _writes(call, name):
            return
        candidates: list[ast.expr] = []
        method = last in _GLOBS and name.split(".")[0] != "glob"
        if _is_reader(name, last) and not method:
            candidates += call.args[:1]
            candidates += [k.value for k in call.keywords if k.arg in _KEYWORDS]
        if isinstance(call.func, ast.Attribute) and last in _METHODS:
            candidates.append(call.func.value)
        for candidate in candidates:
            text = self._paths.text(candidate)
            if text is not None:
                yield from self._matches(text, last)
        if method and isinstance(call.func, ast.Attribute) and call.args:
            base = self._paths.text(call.func.value)
            pattern = self._paths.text(call.args[0])
            if base is not None and pattern is not None:
                deep = "**" if last == "rglob" else ""
                whole = os.path.join(base, deep, pattern)
                yield from self._matches(whole, last)

    def _matches(self, text: str, last: str) -> Iterator[str]:
        if last not in _GLOBS or _is_outside(text, self._root):
            yield text
            return
        yield from sorted(glob.glob(text, root_dir=self._root, recursive=True))


class Reader:
    """Finds the files that statements read.

    Attributes:
        root: The directory below which all has to be.
    """

    def __init__(self, root: str, limits: Limits) -> None:
        """Make one that has read nothing."""
        self.root, self._limits = root, limits
        self._files: dict[str, DataFile] = {}
        self._faults: list[Fault] = []

    @property
    def reading(self) -> Reading:
        """What was read so far."""
        return Reading(tuple(self._files.values()), tuple(self._faults))

    def read(
        self, statements: Iterable[Statement], paths: Paths, modules: Mapping[str, str]
    ) -> None:
        """Take in the files that statements read.

        Args:
            statements: Those that go.
            paths: What their constants say.
            modules: What their imports bind.
        """
        calls = _Calls(paths, modules, self.root)
        for statement in statements:
            at_once = set(map(id, running(statement.node)))
            plain = isinstance(statement.node, ast.Assign | ast.AnnAssign | ast.Expr | ast.With)
            for node in ast.walk(statement.node):
                if isinstance(node, ast.Call):
                    for text in calls.texts(node):
                        # A database that is not there is made by who connects to it.
                        makes = dotted(node.func, modules) == "sqlite3.connect"
                        needed = plain and id(node) in at_once and not makes
                        self._add(text, statement.at(node), needed=needed)

    def take(self, path: str, origin: Origin) -> None:
        """Take in a file, or all of a directory, by its path relative to the root."""
        if os.path.exists(os.path.join(self.root, path)):
            self._add(path, origin, needed=False)
        else:
            self._faults.append(Fault(origin, "there is no such file", "name one that is there"))

    def _add(self, text: str, origin: Origin, *, needed: bool) -> None:
        if "://" in text or "\0" in text or not text or text.startswith("<"):
            return
        kind = "notebook" if is_cell(origin.file) else "file"
        if _is_outside(text, self.root):
            what = f"the path {text!r} is outside of the bundle"
            self._faults.append(Fault(origin, what, _MOVE.format(kind=kind)))
            return
        full = os.path.normpath(os.path.join(self.root, text))
        if os.path.isdir(full):
            if full != self.root:
                self._add_all(full, origin)
            return
        if os.path.isfile(full):
            self._add_file(full, origin)
        elif needed and os.path.splitext(text)[1]:
            what = f"there is no file {text!r} beside the {kind}"
            fix = "put it there, or take the line out"
            self._faults.append(Fault(origin, what, fix))

    def _add_all(self, directory: str, origin: Origin) -> None:
        for path, directories, names in os.walk(directory):
            directories[:] = sorted(
                d for d in directories if not d.startswith((".", "__pycache__"))
            )
            for name in sorted(names):
                self._add_file(os.path.join(path, name), origin)

    def _add_file(self, full: str, origin: Origin) -> None:
        """Take a file in, or say why not."""
        path = os.path.relpath(full, self.root)
        real, root = os.path.realpath(full), os.path.realpath(self.root)
        if not real.startswith(root.rstrip(os.sep) + os.sep):
            what = f"{path} is a link to a place outside of the bundle"
            self._faults.append(Fault(origin, what, "put a copy in the place of the link"))
            return
        size = os.path.getsize(full)
        if size > self._limits.file:
            self._faults.append(_too_large(path, size, self._limits, origin))
            return
        path = path.replace(os.sep, "/")
        self._files.setdefault(path, DataFile(path, origin))


def _too_large(path: str, size: int, limits: Limits, origin: Origin) -> Fault:
    what = f"{path} has {megabytes(size)}, and a file may have {megabytes(limits.file)}"
    fix = (
        "if a model is fitted to it, save the model with joblib.dump(model, 'model.joblib') in an "
        "exploring cell and write model = joblib.load('model.joblib') instead; else keep a smaller "
        f"file, or give --max-file {size // 1_000_000 + 1}MB"
    )
    return Fault(origin, what, fix)


def megabytes(size: int) -> str:
    """Return a size as people read it.

    Example:
        >>> megabytes(12_345_678), megabytes(4_200), megabytes(12)
        ('12.3 MB', '4.2 kB', '12 B')
    """
    for unit, scale in (("MB", 1_000_000), ("kB", 1_000)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} B"


def _is_reader(name: str, last: str) -> bool:
    if name.startswith("pyudf") or name.split(".", maxsplit=1)[0] in ("json", "sys"):
        return False
    return (
        name in _OPENING
        or name in _READERS
        or last in _READERS
        or last.startswith(("read_", "scan_", "load_", "open_", "from_file"))
    )


def _writes(call: ast.Call, name: str) -> bool:
    """Tell whether a call opens a file to write it."""
    method = isinstance(call.func, ast.Attribute) and name not in _OPENING
    position = 0 if method and call.func.attr == "open" else 1  # type: ignore[attr-defined]
    opens = name in _OPENING or (method and call.func.attr == "open")  # type: ignore[attr-defined]
    modes = [k.value for k in call.keywords if k.arg == "mode"]
    modes += call.args[position : position + 1] if opens else []
    values = [m.value for m in modes if isinstance(m, ast.Constant) and isinstance(m.value, str)]
    return any(set(value) & set("wax") and set(value) <= set("waxrbt+") for value in values)


def _is_outside(text: str, root: str) -> bool:
    path = os.path.expanduser(text)
    if os.path.isabs(path):
        return True
    return os.path.normpath(path).split(os.sep)[0] == ".."
