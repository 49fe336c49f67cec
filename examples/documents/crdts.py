"""Values that copies of a thing agree on, in whatever order their edits arrive and however often.

Each can be merged with another of its kind: ``merge`` is commutative, associative and idempotent.
``encode`` and ``decode`` are what pyudf keeps them by.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import msgspec
from pycrdt import Doc, Text, merge_updates


class Packed:
    """What is kept as MessagePack: a dataclass of plain values."""

    def encode(self) -> bytes:
        """Return the value as bytes."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return the value of bytes."""
        return msgspec.msgpack.decode(data, type=cls)


@dataclass(frozen=True)
class Counter(Packed):
    """A number that every replica adds to and takes from: how much each has, so far."""

    added: dict[str, int] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)

    def merge(self, other: Counter) -> Counter:
        """Of each replica the later word counts, which is the larger one."""
        return Counter(highest(self.added, other.added), highest(self.taken, other.taken))

    @property
    def value(self) -> int:
        """The number."""
        return sum(self.added.values()) - sum(self.taken.values())


@dataclass(frozen=True)
class ObservedSet(Packed):
    """A set (OR-set): each adding has a tag; removing names the tags that the remover has seen."""

    tags: dict[str, set[str]] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)

    def merge(self, other: ObservedSet) -> ObservedSet:
        """An adding that the remover had not seen stays."""
        names = self.tags.keys() | other.tags.keys()
        tags = {name: self.tags.get(name, set()) | other.tags.get(name, set()) for name in names}
        return ObservedSet(tags, self.removed | other.removed)

    @property
    def members(self) -> list[str]:
        """What is in the set, in order."""
        return sorted(name for name, tags in self.tags.items() if tags - self.removed)


@dataclass(frozen=True)
class LatestMap(Packed):
    """Fields of which the last writer wins (LWW map): when and where each was written, and what."""

    written: dict[str, tuple[int, str, Any]] = field(default_factory=dict)

    def merge(self, other: LatestMap) -> LatestMap:
        """At the same moment the replica with the higher name wins, everywhere."""
        written = dict(self.written)
        for name, entry in other.written.items():
            written[name] = max(written.get(name, entry), entry, key=lambda e: e[:2])
        return LatestMap(written)

    @property
    def values(self) -> dict[str, Any]:
        """The fields."""
        return {name: value for name, (_, _, value) in sorted(self.written.items())}


@dataclass(frozen=True)
class Document:
    """A text that several people write at once: all updates of its pycrdt document, merged.

    The updates are kept rather than a ``Doc``, which forgets those that came before others that
    they build upon when it is saved.
    """

    updates: bytes = b""

    def merge(self, other: Document) -> Document:
        """Every letter stands where its writer put it, among those that were there."""
        updates = [one for one in (self.updates, other.updates) if one]
        return Document(merge_updates(*updates) if updates else b"")

    @property
    def text(self) -> str:
        """The text, as far as its updates have come."""
        doc: Doc[Any] = Doc()
        if self.updates:
            doc.apply_update(self.updates)
        return str(doc.get("text", type=Text))

    def encode(self) -> bytes:
        """Return the value as bytes."""
        return self.updates

    @staticmethod
    def decode(data: bytes) -> Document:
        """Return the value of bytes."""
        return Document(data)


def highest(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    """The larger of two numbers for each name."""
    return {name: max(one.get(name, 0), other.get(name, 0)) for name in one.keys() | other.keys()}
