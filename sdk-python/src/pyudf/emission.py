"""When the results of windows are told, and what becomes of records that come late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from pyudf._names import check_name
from pyudf._options import Duration, duration
from pyudf.errors import DefinitionError, Origin

__all__ = ["Early", "Emit", "check_emit", "check_grace", "check_late", "early", "endless"]

_Mode: TypeAlias = Literal["final", "updates", "on_time+late"]


@dataclass(frozen=True, slots=True)
class Early:
    """Results in between and at the close. Make one with ``early``.

    Attributes:
        every_ms: The time between two results of a window that changed, on the wall clock.

    Example:
        >>> early("5s")
        Early(every_ms=5000)
    """

    every_ms: int


Emit: TypeAlias = _Mode | Early
"""When a window's results are told: ``"final"`` once, when it closes; ``"updates"`` after each
change; ``pu.early("5s")`` in between and at the close; ``"on_time+late"`` when its time is over and
after each later change."""


def early(every: Duration, /) -> Early:
    """Tell results in between, and the final one at the close.

    Args:
        every: The time between two results of a window that changed, on the wall clock.

    Raises:
        DefinitionError: It is no duration.

    Example:
        >>> import pyudf as pu
        >>> pu.tumbling("1h", emit=pu.early("5s")).emit
        Early(every_ms=5000)
    """
    return Early(duration(every, "early", Origin.caller()))


def endless(emit: Emit, what: str, origin: Origin) -> Emit:
    """Return when windows that no moment ends tell their results.

    Raises:
        DefinitionError: It is at their end, or no such way is known.
    """
    if emit == "on_time+late":
        message = (
            f'{what}() windows have no end in event time, so nothing is late; write emit="final", '
            '"updates" or pu.early("5s")'
        )
        raise DefinitionError(message, origin)
    return check_emit(emit, origin)


def check_emit(emit: Emit, origin: Origin) -> Emit:
    """Return when windows tell their results.

    Raises:
        DefinitionError: No such way is known.
    """
    if isinstance(emit, Early) or emit in get_args(_Mode):
        return emit
    message = f'emit={emit!r}; possible are "final", "updates", pu.early("5s") and "on_time+late"'
    raise DefinitionError(message, origin)


def check_grace(grace: object, origin: Origin) -> int:
    """Return for how many ms windows stay open after their end; of None: not at all.

    Raises:
        DefinitionError: It is no duration.
    """
    return 0 if grace is None else duration(grace, "grace", origin, least=0)


def check_late(late: object, origin: Origin) -> str | None:
    """Return the topic for records that come too late; None: the app's own.

    Raises:
        DefinitionError: No topic can have the name.
    """
    return None if late is None else check_name(late, "late topic", origin)
