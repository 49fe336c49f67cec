"""Bundles unpacked on this machine, each in a directory that has its hash for a name."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from typing import NamedTuple

from pyudf.bundling._archive import MANIFEST, Content, pack, unpack
from pyudf.bundling._manifest import Manifest
from pyudf.errors import LoadError


class Unpacked(NamedTuple):
    """A bundle on this machine.

    Attributes:
        directory: Where its code is.
        manifest: What it says of itself.

    Example:
        >>> from pyudf.bundling._manifest import Entry
        >>> entry = Entry("file", "heat.py", "heat.py", "heat", "app")
        >>> Unpacked("/srv/code", Manifest("heat", entry, "3.11", "0.1.0")).manifest.app
        'heat'
    """

    directory: str
    manifest: Manifest


def read_bundle(path: str) -> Content:
    """Read a bundle file, and check all of it.

    Raises:
        LoadError: It is not there, no bundle, or not as it was built.

    Example:
        >>> read_bundle("missing.pyudf")
        Traceback (most recent call last):
            ...
        pyudf.errors.LoadError: missing.pyudf: No such file or directory; name a bundle...
    """
    try:
        with open(path, "rb") as file:
            packed = file.read()
    except OSError as err:
        message = f"{path}: {err.strerror}; name a bundle that is there"
        raise LoadError(message) from err
    return unpack(packed, path)


def write_bundle(content: Content, path: str) -> None:
    """Write a bundle file, whole or not at all.

    Raises:
        LoadError: The place cannot be written to.

    Example:
        >>> from pyudf.bundling import build
        >>> write_bundle(build("missing.py").content, "heat.pyudf")
        Traceback (most recent call last):
            ...
        pyudf.errors.LoadError: there is no file 'missing.py' in ...
    """
    try:
        handle, draft = tempfile.mkstemp(
            dir=os.path.dirname(os.path.abspath(path)), prefix=".pyudf-"
        )
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(pack(content))
            os.chmod(draft, 0o644)
            os.replace(draft, path)
        except BaseException:
            os.unlink(draft)
            raise
    except OSError as err:
        message = f"{path}: {err.strerror}; name another place with -o"
        raise LoadError(message) from err


def unpacked(path: str) -> Unpacked:
    """Return where a bundle is unpacked, and unpack it if that is not done.

    Raises:
        LoadError: The bundle is not as it was built, or there is no place for it.

    Example:
        >>> unpacked("missing.pyudf")
        Traceback (most recent call last):
            ...
        pyudf.errors.LoadError: missing.pyudf: No such file or directory; name a bundle...
    """
    content = read_bundle(path)
    home = os.path.join(_home(), content.manifest.hash)
    code = os.path.join(home, "code")
    try:
        if not _is_whole(code, content.manifest):
            _unpack(content, home)
    except OSError as err:
        message = (
            f"{home}: {err.strerror}; name a directory that can be written to by PYUDF_CACHE_DIR"
        )
        raise LoadError(message) from err
    return Unpacked(code, content.manifest)


def _home() -> str:
    given = os.environ.get("PYUDF_CACHE_DIR")
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(os.path.abspath(given or os.path.join(cache, "pyudf")), "bundles")


def _is_whole(code: str, manifest: Manifest) -> bool:
    """Tell whether all files are there as they should be."""
    for entry in manifest.files:
        try:
            with open(os.path.join(code, *entry.path.split("/")), "rb") as file:
                data = file.read(entry.size + 1)
        except OSError:
            return False
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            return False
    return True


def _unpack(content: Content, home: str) -> None:
    """Write all files beside the place, and move them there in one step.

    Another process may do the same: then its files are as good.
    """
    os.makedirs(os.path.dirname(home), mode=0o700, exist_ok=True)
    draft = tempfile.mkdtemp(dir=os.path.dirname(home), prefix=".unpacking-")
    try:
        for path, data in content.files.items():
            full = os.path.join(draft, "code", *path.split("/"))
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "xb") as file:
                file.write(data)
        with open(os.path.join(draft, MANIFEST), "xb") as file:
            file.write(content.manifest.encode())
        if os.path.isdir(home) and not _is_whole(os.path.join(home, "code"), content.manifest):
            shutil.rmtree(home)
        try:
            os.rename(draft, home)
        except OSError:
            if not _is_whole(os.path.join(home, "code"), content.manifest):
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
