"""Wheels of what pyudf needs, made of what is installed here.

So a node without an index needs wheels of what bundles ask for, and of nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zipfile
from collections.abc import Iterator
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pyudf._environment._requirements import applies
from pyudf._environment._sdk import dependencies

# What installers write into an environment themselves.
_INSTALLED: Final = {"INSTALLER", "RECORD", "REQUESTED", "direct_url.json"}


def write(directory: str) -> None:
    """Write a wheel of each distribution that pyudf needs, if it can be made again."""
    for found in _needed():
        _write(found, Path(directory))


def _needed() -> Iterator[metadata.Distribution]:
    """Return what pyudf needs, and all that this needs, as far as it is installed."""
    seen: set[str] = set()
    waiting = dependencies() or []
    while waiting:
        requirement = Requirement(waiting.pop())
        name = canonicalize_name(requirement.name)
        if name in seen or not applies(requirement):
            continue
        seen.add(name)
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # then the installer says that it finds none
        waiting += found.requires or ()
        yield found


def _write(found: metadata.Distribution, directory: Path) -> None:
    tags = re.findall(r"^Tag: *(\S+)-(\S+)-(\S+)$", found.read_text("WHEEL") or "", re.MULTILINE)
    files = dict(_files(found))
    info = next((path.split("/")[0] for path in files if path.endswith(".dist-info/METADATA")), "")
    if not tags or not info:
        return  # one of the system, which no installer wrote
    tag = "-".join(".".join(dict.fromkeys(part)) for part in zip(*tags, strict=True))
    record = "".join(f"{path},{_digest(data)},{len(data)}\n" for path, data in files.items())
    name = f"{info.removesuffix('.dist-info')}-{tag}.whl"
    with zipfile.ZipFile(directory / name, "w") as archive:
        for path, data in chain(files.items(), [(f"{info}/RECORD", record.encode())]):
            archive.writestr(zipfile.ZipInfo(path), data)


def _files(found: metadata.Distribution) -> Iterator[tuple[str, bytes]]:
    """Return the files of a distribution that were in its wheel, by their paths."""
    for file in found.files or ():
        inside = not file.is_absolute() and ".." not in file.parts
        written = file.name in _INSTALLED and file.parts[0].endswith(".dist-info")
        path = Path(str(file.locate()))
        if inside and not written and "__pycache__" not in file.parts and path.is_file():
            yield str(file), path.read_bytes()


def _digest(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"sha256={digest}"
