"""HTML for notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyudf.replay import Replay


def replayed(replay: Replay) -> str:
    """Return the counts of a replay and the first records of each result."""
    return str(replay)
