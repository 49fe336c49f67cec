"""What is installed in this environment.

The standard library's module for that takes longer to import than all of pyudf, and who runs a
bundle needs nothing of it: it is imported when it is asked.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import Distribution


@functools.cache
def packages() -> Mapping[str, list[str]]:
    """Return the modules at the top, each with the distributions that have a part of it."""
    from importlib.metadata import packages_distributions  # noqa: PLC0415 - see above

    return packages_distributions()


def distribution(name: str) -> Distribution | None:
    """Return a distribution by its name, None if it is not installed."""
    from importlib import metadata  # noqa: PLC0415 - see above

    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None
