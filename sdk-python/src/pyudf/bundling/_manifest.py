"""What a bundle says of itself: ``bundle.json``."""

from __future__ import annotations

import hashlib
import json
from typing import Final, Literal, TypeAlias

import msgspec

from pyudf.errors import LoadError

FORMAT: Final = 1

Kind: TypeAlias = Literal["notebook", "file", "package"]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the app is.

    Attributes:
        kind: What the target was.
        target: Its name, without the directory that it was in.
        file: The file of the bundle to run.
        module: The name of its module.
        name: What the app is called there; the function's name for a plain function.
        function: Whether it is a plain function, which needs a source and a target to run.
    """

    kind: Kind
    target: str
    file: str
    module: str
    name: str
    function: bool = False


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of a bundle, its path with slashes."""

    path: str
    sha256: str
    size: int


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a bundle is.

    Attributes:
        format: The version of the format.
        app: The name of the app; empty if the code computes it.
        entry: Where the app is.
        python: The version that it was built with, ``3.11``.
        pyudf: The version of pyudf that it was built with.
        requirements: What has to be installed, as pip reads it.
        files: All files, by path.
        sources: For a module made of a notebook where its statements stood: for each the line in
            the module, how many lines it has, its cell and its line there.

    Example:
        >>> entry = Entry("file", "heat.py", "heat.py", "heat", "app")
        >>> manifest = Manifest("heat", entry, "3.11", "0.1.0")
        >>> len(manifest.hash), manifest.hash == manifest.content_hash
        (64, False)
    """

    app: str
    entry: Entry
    python: str
    pyudf: str
    requirements: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    sources: dict[str, tuple[tuple[int, int, int, int], ...]] = {}
    format: int = FORMAT

    @property
    def hash(self) -> str:
        """SHA-256 over all of it, and so over all files: the identity of the bundle."""
        return hashlib.sha256(self.encode()).hexdigest()

    @property
    def content_hash(self) -> str:
        """The same without the places in the notebook: it tells whether anything runs otherwise."""
        content = {k: v for k, v in msgspec.to_builtins(self).items() if k != "sources"}
        return hashlib.sha256(_canonical(content)).hexdigest()

    def encode(self) -> bytes:
        """Return it as JSON, in the only way that it is ever written."""
        return _canonical(msgspec.to_builtins(self))


def decode(content: bytes, where: str) -> Manifest:
    """Read what ``encode`` wrote.

    Raises:
        LoadError: It is something else, or of a later version.
    """
    advice = "build the bundle again"
    try:
        version = msgspec.json.decode(content, type=_Version).format
        if version != FORMAT:
            message = (
                f"{where} has version {version} of the format, and this pyudf reads {FORMAT}; use "
                "the pyudf that built it"
            )
            raise LoadError(message)
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        message = f"{where}: bundle.json is not one of pyudf ({err}); {advice}"
        raise LoadError(message) from err
    if manifest.encode() != content:
        message = f"{where}: bundle.json was changed by hand; {advice}"
        raise LoadError(message)
    return manifest


class _Version(msgspec.Struct):
    format: int


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
