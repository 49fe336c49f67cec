"""What of a document has to go: what writes something, and what that needs, step by step back."""

from __future__ import annotations

import builtins
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from pyudf.bundling._effects import Analyser, Effects
from pyudf.bundling._faults import Fault, place_in
from pyudf.bundling._pipeline import Pipelines
from pyudf.bundling._scopes import Scope
from pyudf.bundling._statements import Statement
from pyudf.errors import Origin

_GIVEN: Final = frozenset(dir(builtins)) | {
    "__annotations__",
    "__builtins__",
    "__doc__",
    "__file__",
    "__name__",
    "__spec__",
}
# Names that only a kernel has, with what to write instead.
KERNEL: Final = {
    "get_ipython": "leave out what needs IPython",
    "display": "leave it out, or write: from IPython.display import display",
    "In": "write what it stands for into a cell",
    "Out": "give the value a name in the cell that makes it",
    "_": "give the value a name in the cell that makes it",
    "__": "give the value a name in the cell that makes it",
    "exit": "leave it out",
    "quit": "leave it out",
}


class _Want(NamedTuple):
    """A name whose value is wanted.

    Attributes:
        name: The name.
        before: The number of the statement before which it is wanted; the number of all
            statements for its value in production.
        origin: Who wants it.
        certain: Whether nothing works without it.
    """

    name: str
    before: int
    origin: Origin
    certain: bool


@dataclass(slots=True)
class Selection:
    """What of a document goes.

    Attributes:
        reasons: The statements that go, by number, each with the reason.
        missing: Names that are wanted and that nothing defines.
        read_later: The names that functions read which go, each with who reads it.
    """

    reasons: dict[int, str] = field(default_factory=dict)
    missing: list[Fault] = field(default_factory=list)
    read_later: dict[str, Origin] = field(default_factory=dict)


class Selector:
    """Finds what a document's app needs, or one of its functions."""

    def __init__(
        self, statements: tuple[Statement, ...], scopes: tuple[Scope, ...], found: Pipelines
    ) -> None:
        """Look at the effects of all statements."""
        self._statements, self._scopes = statements, scopes
        analyser = Analyser(statements, scopes, frozenset(found.streams))
        self._effects: tuple[Effects, ...] = tuple(
            analyser.of(s, scope) for s, scope in zip(statements, scopes, strict=True)
        )
        self._bound = frozenset(name for scope in scopes for name in scope.binds)
        # Which names may hold the same, and since which statement.
        self._near: dict[str, list[tuple[int, str]]] = {}
        for index, effects in enumerate(self._effects):
            for one, other in effects.holds:
                self._near.setdefault(one, []).append((index, other))
                self._near.setdefault(other, []).append((index, one))
        self._selection = Selection()
        self._waiting: list[_Want] = []
        self._seen: set[tuple[str, int]] = set()
        self._taken: set[tuple[int, int]] = set()

    @property
    def end(self) -> int:
        """The moment after all statements."""
        return len(self._statements)

    def take(self, index: int, reason: str) -> None:
        """Take a statement, and what it needs."""
        self._take(index, self.end, reason)
        self._settle()

    def want(self, name: str, origin: Origin) -> None:
        """Take what a name needs to have its value in production."""
        self._waiting.append(_Want(name, self.end, origin, certain=True))
        self._settle()

    def selection(self) -> Selection:
        """Return what was taken."""
        return self._selection

    def _settle(self) -> None:
        while self._waiting:
            want = self._waiting.pop()
            if (want.name, want.before) not in self._seen:
                self._seen.add((want.name, want.before))
                self._find(want)

    def _find(self, want: _Want) -> None:
        """Take what gives a name its value, from the last change back to a definition."""
        same = self._same(want.name, want.before)
        bound, where = False, place_in(want.origin)
        for index in reversed(range(want.before)):
            scope, effects = self._scopes[index], self._effects[index]
            binds = want.name in scope.binds or want.name in effects.defines
            if binds:
                bound = True
                self._take(index, want.before, f"{where} needs {want.name}")
            elif same & effects.changes:
                self._take(index, want.before, f"it changes {want.name}, which {where} needs")
            if want.name in scope.kills:
                return
        if not bound and want.name not in _GIVEN:
            self._missing(want)

    def _same(self, name: str, before: int) -> set[str]:
        """Return the names that may stand for what a name stands for at a moment, or hold it."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += [other for index, other in self._near.get(name, ()) if index < before]
        return found

    def _missing(self, want: _Want) -> None:
        stars = [i for i in range(want.before) if "*" in _star(self._statements[i])]
        for index in stars:
            self._take(
                index, want.before, f"{place_in(want.origin)} needs {want.name}, perhaps from it"
            )
        if stars or not want.certain or want.name in KERNEL:
            return
        after = [
            self._statements[i].origin
            for i in range(want.before, self.end)
            if want.name in self._scopes[i].binds
        ]
        if after:
            what = f"{want.name} is used before it is defined, at {after[0]}"
            fix = "move the cell that defines it up"
        else:
            what = f"nothing defines {want.name}"
            fix = "write a cell that does: a cell that was deleted, or a magic, may have done it"
        self._selection.missing.append(Fault(want.origin, what, fix))

    def _take(self, index: int, at: int, reason: str) -> None:
        """Take a statement for somebody who wants it at a moment."""
        statement, scope = self._statements[index], self._scopes[index]
        if index not in self._selection.reasons:
            self._selection.reasons[index] = reason
            self._wants(scope.now, index, statement, certain=True)
            self._wants(scope.maybe, index, statement, certain=False)
            self._wants(scope.sets & self._bound, index, statement, certain=False)
        for moment in {at, self.end}:
            if (index, moment) in self._taken:
                continue
            self._taken.add((index, moment))
            final = moment == self.end
            if final:
                for name in scope.later:
                    self._selection.read_later.setdefault(name, statement.origin)
                self._wants(scope.maybe, moment, statement, certain=False)
            self._wants(scope.later - scope.sets, moment, statement, certain=final)

    def _wants(
        self, names: frozenset[str], before: int, statement: Statement, *, certain: bool
    ) -> None:
        for name in sorted(names):
            # What a statement binds itself it need not find before, but may change.
            own = name in self._scopes[statement.index].binds
            want = _Want(name, before, statement.origin, certain=certain and not own)
            self._waiting.append(want)


def _star(statement: Statement) -> set[str]:
    return {alias.name for alias in getattr(statement.node, "names", ()) if hasattr(alias, "name")}
