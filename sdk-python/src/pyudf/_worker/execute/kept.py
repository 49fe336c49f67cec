"""What a function keeps for a key, as it sees it while the rows of the key are run."""

from __future__ import annotations

import inspect
from typing import Any, Final, Protocol

from pyudf._worker.groups import NO_TIME
from pyudf._worker.states import Codec
from pyudf.functions import StateParam
from pyudf.keyed import State, Timer

__all__ = ["Kept", "KeptState", "KeptTimer"]

_UNREAD: Final = object()
_MOMENTS: Final = range(NO_TIME + 1, 2**63)


class Kept(Protocol):
    """A state or a timer, with what one key has at a time.

    ``settle`` gives what a row left; ``keep`` lets that be what the next row finds.
    """

    kept: Any

    def load(self, value: Any, /) -> None:
        """Take what a key has, and forget what a row did."""

    def settle(self) -> Any:
        """Return what a row left; raises if that cannot be kept."""

    def keep(self, value: Any, /) -> None:
        """Let what ``settle`` gave be what the next row finds."""


class KeptState(State[Any]):
    """One state of a function, with the value of one key at a time.

    The bytes are the truth: a value is decoded when it is first read, and what a row set or
    changed is encoded and decoded before the next row runs. So a row that fails leaves nothing
    behind, and what a row sees does not depend on which rows travel together.

    Attributes:
        kept: The bytes that the rows so far left, None for no value.
    """

    __slots__ = ("_codec", "_found", "_written", "kept")

    def __init__(self, param: StateParam, codec: Codec) -> None:
        """Make a state without a value."""
        self._codec = codec
        default = None if param.default is inspect.Parameter.empty else param.default
        super().__init__(default=default)
        self.load(None)

    def load(self, data: bytes | None) -> None:
        """Take the value of a key, and forget what a row did."""
        self.kept = data
        self._found: Any = _UNREAD
        self._written = False

    def settle(self) -> bytes | None:
        """Return the bytes of what a row left.

        Raises:
            TypeError: It cannot be stored, or is not of the state's type.
        """
        if self._found is _UNREAD or not (self._written or self._codec.mutable):
            return self.kept
        if self._found is None:
            return None
        data = self._codec.encode(self._found)
        if self._written or data != self.kept:
            self._found = self._codec.decode(data)
        return data

    def keep(self, data: bytes | None) -> None:
        """Let what ``settle`` gave be what the next row finds."""
        self.kept = data
        self._written = False

    @property
    def _value(self) -> Any:
        """What ``State`` holds: the value, None for none."""
        if self._found is _UNREAD:
            self._found = None if self.kept is None else self._codec.decode(self.kept)
        return self._found

    @_value.setter
    def _value(self, value: Any) -> None:
        self._found = value
        self._written = True


class KeptTimer(Timer):
    """One timer of a function, with the moment of one key at a time.

    Attributes:
        kept: The moment that the rows so far left, NO_TIME for none.
    """

    __slots__ = ("kept",)

    def __init__(self) -> None:
        """Make a timer that is not set."""
        super().__init__()
        self.kept = NO_TIME

    def load(self, moment: int) -> None:
        """Take the moment of a key, and forget what a row did."""
        self.kept = moment
        self._at = None if moment == NO_TIME else moment

    def settle(self) -> int:
        """Return the moment that a row left.

        Raises:
            OverflowError: It does not fit into 64 bits.
        """
        if self._at is None:
            return NO_TIME
        if self._at not in _MOMENTS:
            message = f"a timer is set to {self._at}, which is no number of ms in 64 bits"
            raise OverflowError(message)
        return self._at

    def keep(self, moment: int) -> None:
        """Let what ``settle`` gave be what the next row finds."""
        self.kept = moment
