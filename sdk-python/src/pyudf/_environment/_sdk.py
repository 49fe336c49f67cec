"""Where the pyudf of this node lies, what it needs, and how other environments get it."""

from __future__ import annotations

import os
import subprocess
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

import pyudf
from pyudf._environment._requirements import written


def package() -> str:
    """Return the directory of the package, be it installed or the one of a working tree."""
    return os.path.dirname(os.path.abspath(pyudf.__file__))


def dependencies() -> list[str] | None:
    """Return what pyudf needs without its extras; None if it was never installed, so none knows."""
    try:
        lines = metadata.distribution("pyudf").requires or []
    except metadata.PackageNotFoundError:
        return None
    needed = (Requirement(line) for line in lines)
    return sorted(written(r) for r in needed if r.marker is None or "extra" not in str(r.marker))


def link(interpreter: str) -> None:
    """Give another environment the pyudf of this one.

    It is a link, and what says that it is installed: so whatever is installed beside it and needs
    pyudf does not look for another. Without a list of its files no installer removes it.
    """
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    command = [interpreter, "-I", "-c", ask]
    site = Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
    (site / "pyudf").symlink_to(package(), target_is_directory=True)
    found = metadata.distribution("pyudf")
    info = site / f"pyudf-{found.version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(found.read_text("METADATA") or "", encoding="utf-8")
    (info / "INSTALLER").write_text("pyudf\n", encoding="utf-8")
