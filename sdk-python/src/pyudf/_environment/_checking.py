"""Whether requirements are satisfied by what is installed here, and by what that needs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib import metadata

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from pyudf._environment._requirements import applies, written


def missing(requirements: Iterable[Requirement]) -> list[str]:
    """Return what is not as it should be, each with the reason; nothing if all is there."""
    checker = _Checker()
    for requirement in requirements:
        if applies(requirement):
            checker.check(requirement)
    return checker.missing


class _Checker:
    def __init__(self) -> None:
        self.missing: list[str] = []
        self._seen: set[str] = set()

    def check(self, first: Requirement) -> None:
        """Check a requirement that applies, and all that it brings with it."""
        waiting = [first]
        while waiting:
            requirement = waiting.pop()
            line = written(requirement)
            # Who runs this has pyudf, though maybe without a distribution.
            if line in self._seen or canonicalize_name(requirement.name) == "pyudf":
                continue
            self._seen.add(line)
            try:
                found = metadata.distribution(requirement.name)
            except metadata.PackageNotFoundError:
                self.missing.append(f"{line} is not installed")
                continue
            if _fits(requirement, found):
                waiting += _needed(found, requirement.extras)
            else:
                self.missing.append(f"{line} is asked for and {found.version} installed")


def _fits(requirement: Requirement, found: metadata.Distribution) -> bool:
    if requirement.url:
        return _is_from(found, requirement.url)
    try:
        return requirement.specifier.contains(found.version, prereleases=True)
    except InvalidVersion:
        return False


def _needed(found: metadata.Distribution, extras: Iterable[str]) -> list[Requirement]:
    needed = []
    for line in found.requires or ():
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue  # of old distributions; what is installed is installed
        if applies(requirement, extras):
            needed.append(requirement)
    return needed


def _is_from(found: metadata.Distribution, url: str) -> bool:
    """Tell whether a distribution was installed from an address, and this very state of it."""
    text = found.read_text("direct_url.json")
    if not text:
        return False
    direct = json.loads(text)
    address, vcs = direct.get("url"), direct.get("vcs_info")
    if vcs is None:
        return bool(url.partition("#")[0] == address)
    wanted, _, revision = url.partition("#")[0].removeprefix(f"{vcs.get('vcs')}+").rpartition("@")
    return wanted == address and revision in (vcs.get("commit_id"), vcs.get("requested_revision"))
