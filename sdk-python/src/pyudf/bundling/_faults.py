"""What is wrong with a target: every fault, each with its place and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pyudf.errors import LoadError, Origin

__all__ = ["Fault", "Refused"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason why a target cannot go as it is.

    Attributes:
        origin: The place.
        what: What is wrong there.
        fix: What to do about it.

    Example:
        >>> print(Fault(Origin("heat.ipynb[3]", 5), "input() waits for a person", "leave it out"))
        heat.ipynb, cell 3, line 5: input() waits for a person; leave it out
    """

    origin: Origin
    what: str
    fix: str

    def __str__(self) -> str:
        """Return it as one line."""
        return f"{self.origin}: {self.what}; {self.fix}"


class Refused(LoadError):
    """A target cannot go as it is. The message has all faults, a line each.

    Attributes:
        faults: In the order of their places.

    Example:
        >>> fault = Fault(Origin("heat.ipynb[3]", 5), "input() waits for a person", "leave it out")
        >>> print(Refused("heat.ipynb", [fault]))
        heat.ipynb cannot go as it is:
        heat.ipynb, cell 3, line 5: input() waits for a person; leave it out
    """

    def __init__(self, target: str, faults: Sequence[Fault]) -> None:
        """Make an error of all faults; a target is named by its path."""
        lines = [f"{Origin(target, 0)} cannot go as it is:", *map(str, faults)]
        super().__init__("\n".join(lines))
        self.faults = tuple(faults)


def ordered(faults: Iterable[Fault]) -> list[Fault]:
    """Return faults by place, each once; cells in their order, not in that of their digits."""
    return sorted(set(faults), key=lambda f: (len(f.origin.file), f.origin.file, f.origin.line))


def place_in(origin: Origin) -> str:
    """Return a place without the document that it is in.

    Example:
        >>> place_in(Origin("heat.ipynb[3]", 5)), place_in(Origin("heat.py", 5))
        ('cell 3, line 5', 'line 5')
    """
    return (
        str(origin).rpartition("ipynb, ")[2] if "ipynb[" in origin.file else f"line {origin.line}"
    )
