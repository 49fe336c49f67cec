"""Requirements as nodes compare them: read, refused, and written in one way."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

_SECRET: Final = re.compile(r"://[^/\s]*@")


def read(lines: Iterable[str]) -> tuple[dict[str, Requirement], list[str]]:
    """Return requirements as they are always written, in order, and what is wrong with others.

    Those of pyudf are left out: a node has its own.
    """
    found: dict[str, Requirement] = {}
    faults: list[str] = []
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement as err:
            reason = str(err).split("\n", maxsplit=1)[0]
            faults.append(f"the requirement {_hidden(line)!r} cannot be read: {_hidden(reason)}")
            continue
        if fault := _fault(requirement):
            faults.append(f"the requirement {requirement.name} {fault}")
        elif canonicalize_name(requirement.name) != "pyudf":
            found[written(requirement)] = requirement
    return dict(sorted(found.items())), faults


def written(requirement: Requirement) -> str:
    """Return a requirement in the one way in which it is compared.

    Example:
        >>> written(Requirement('Tiny_Pkg[b,A] <2,>=1; python_version>"3"'))
        'tiny-pkg[a,b]<2,>=1 ; python_version > "3"'
    """
    extras = ",".join(sorted(canonicalize_name(extra) for extra in requirement.extras))
    address = f" @ {requirement.url}" if requirement.url else ""
    return (
        canonicalize_name(requirement.name)
        + (f"[{extras}]" if extras else "")
        + (address or ",".join(sorted(str(s) for s in requirement.specifier)))
        + (f" ; {requirement.marker}" if requirement.marker else "")
    )


def applies(requirement: Requirement, extras: Iterable[str] = ()) -> bool:
    """Tell whether a requirement holds in this environment, for some extras of who has it."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": e}) for e in (*extras, ""))


def _fault(requirement: Requirement) -> str:
    if requirement.url is None:
        return ""
    scheme, colon, _ = requirement.url.partition("://")
    if not colon or "file" in scheme.split("+"):
        return "is a file of another machine"
    if _SECRET.search(requirement.url):
        return "has a user or a password in its address"
    return ""


def _hidden(text: str) -> str:
    return _SECRET.sub("://***@", text)
