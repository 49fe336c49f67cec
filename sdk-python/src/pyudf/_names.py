"""The names that topics can have."""

from __future__ import annotations

import re

from pyudf.errors import DefinitionError, Origin

_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")


def check_name(name: object, what: str, origin: Origin) -> str:
    """Return the name if a topic can have it.

    Raises:
        DefinitionError: It cannot.
    """
    if isinstance(name, str) and _NAME.fullmatch(name) and name not in (".", ".."):
        return name
    message = (
        f"{what} {name!r} is no valid topic name; write 1 to 249 letters, digits, dots, "
        "underscores and hyphens"
    )
    raise DefinitionError(message, origin)
