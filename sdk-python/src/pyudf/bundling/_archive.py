"""The file that a bundle is: a zip archive that is the same for the same content.

What is read is trusted in nothing: names, sizes and hashes are checked before a byte is written.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from pyudf.bundling._manifest import Manifest, decode
from pyudf.errors import LoadError

MANIFEST: Final = "bundle.json"
_FOLDER: Final = "code/"
# The first moment that a zip archive can tell.
_MOMENT: Final = (1980, 1, 1, 0, 0, 0)
_MODE: Final = stat.S_IFREG | 0o644
_UNIX: Final = 3
_LEVEL: Final = 9
_ENCRYPTED: Final = 0x1


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """What an archive may be, so that reading one cannot fill a machine.

    Attributes:
        archive: The size of the archive, in bytes.
        total: The size of all files in it.
        files: How many they may be.
        manifest: The size of ``bundle.json``.
    """

    archive: int = 200_000_000
    total: int = 500_000_000
    files: int = 10_000
    manifest: int = 16_000_000


DEFAULTS: Final = ArchiveLimits()


@dataclass(frozen=True, slots=True)
class Content:
    """What is in an archive.

    Attributes:
        manifest: What it says of itself.
        files: The files by their paths.
    """

    manifest: Manifest
    files: Mapping[str, bytes]


def pack(content: Content) -> bytes:
    """Return a bundle as an archive."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        _put(archive, MANIFEST, content.manifest.encode())
        for path in sorted(content.files):
            _put(archive, _FOLDER + path, content.files[path])
    return packed.getvalue()


def _put(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, _MOMENT)
    info.create_system = _UNIX
    info.external_attr = _MODE << 16
    archive.writestr(info, data, zipfile.ZIP_DEFLATED, _LEVEL)


def unpack(packed: bytes, where: str, limits: ArchiveLimits = DEFAULTS) -> Content:
    """Read a bundle, and check all of it.

    Args:
        packed: The archive.
        where: What messages call it.
        limits: How large it may be.

    Raises:
        LoadError: It is no bundle, or not as it was built.
    """
    try:
        return _Reader(where, limits).read(packed)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as err:
        message = f"{where} is no bundle, or it is damaged ({err}); build or copy it again"
        raise LoadError(message) from err


class _Reader:
    def __init__(self, where: str, limits: ArchiveLimits) -> None:
        self._where, self._limits = where, limits

    def read(self, packed: bytes) -> Content:
        if len(packed) > self._limits.archive:
            self._refuse(f"has {len(packed)} bytes, and {self._limits.archive} are the limit")
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            entries = self._entries(archive)
            info = entries.pop(MANIFEST, None)
            if info is None:
                self._refuse(f"has no {MANIFEST}")
            manifest = decode(self._data(archive, info, self._limits.manifest), self._where)
            self._check(manifest, entries)
            files = {}
            for file in manifest.files:
                data = self._data(archive, entries[_FOLDER + file.path], file.size)
                if len(data) != file.size or hashlib.sha256(data).hexdigest() != file.sha256:
                    self._refuse(f"has another {file.path} than {MANIFEST} says")
                files[file.path] = data
        return Content(manifest, files)

    def _entries(self, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
        entries: dict[str, zipfile.ZipInfo] = {}
        for info in archive.infolist():
            # What is behind a NUL zipfile cuts off.
            name = info.orig_filename
            if name in entries:
                self._refuse(f"has {name!r} twice")
            if not _is_plain(name):
                self._refuse(f"has an entry with the path {name!r}, which leads out of it")
            if not _is_regular(info):
                self._refuse(f"has {name!r}, which is a link or no plain file")
            if info.flag_bits & _ENCRYPTED:
                self._refuse(f"has {name!r}, which is encrypted")
            entries[name] = info
            if len(entries) > self._limits.files + 1:
                self._refuse(f"has more than {self._limits.files} files")
        return entries

    def _check(self, manifest: Manifest, entries: Mapping[str, zipfile.ZipInfo]) -> None:
        """Compare what is there with what the manifest says is there."""
        named = [_FOLDER + file.path for file in manifest.files]
        for name in named:
            if not _is_plain(name):
                self._refuse(f"has a file with the path {name!r}, which leads out of it")
            if name not in entries:
                self._refuse(f"lacks {name}, which {MANIFEST} names")
        for name in sorted(entries.keys() - set(named)):
            self._refuse(f"has {name!r}, which {MANIFEST} does not name")
        if len(named) != len(set(named)):
            self._refuse(f"has a {MANIFEST} that names a file twice")
        directories = {parent for name in named for parent in _parents(name)}
        for name in named:
            if name in directories:
                self._refuse(f"has {name!r} both as a file and as a directory")
        total = sum(file.size for file in manifest.files)
        if total > self._limits.total or any(file.size < 0 for file in manifest.files):
            self._refuse(f"has {total} bytes unpacked, and {self._limits.total} are the limit")
        if manifest.entry.file not in {file.path for file in manifest.files}:
            self._refuse(f"has no {manifest.entry.file}, which is to be run")

    def _data(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, size: int) -> bytes:
        """Return the data of an entry, and never unpack more than it should have."""
        with archive.open(info) as file:
            data = file.read(size + 1)
        if len(data) > size:
            self._refuse(f"has {info.filename!r} with more than the {size} bytes that it may have")
        return data

    def _refuse(self, what: str) -> NoReturn:
        message = f"{self._where} {what}: it was not built by pyudf, or was changed; build it again"
        raise LoadError(message)


def _is_plain(name: str) -> bool:
    """Tell whether a path stays where it is put, on any system."""
    parts = name.split("/")
    bad = {"", ".", ".."}
    return not bad & set(parts) and not any(c in name for c in "\\\0:") and not os.path.isabs(name)


def _is_regular(info: zipfile.ZipInfo) -> bool:
    mode = info.external_attr >> 16
    return not info.is_dir() and stat.S_IFMT(mode) in (0, stat.S_IFREG)


def _parents(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:i]) for i in range(1, len(parts))]
