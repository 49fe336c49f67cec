"""Puts the ``pyudf`` command into the wheel, and tags the wheel by what the command needs.

The command is built by Go; ``make wheel`` says where it lies by ``PYUDF_WHEEL_PROGRAM``. Without
that, and in an editable install, the package is pure Python.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PROGRAM: Final = "PYUDF_WHEEL_PROGRAM"

# What pip calls the processors that ELF files are for.
_PROCESSORS: Final = {"EM_X86_64": "x86_64", "EM_AARCH64": "aarch64"}

# The libraries that PEP 600 lets a manylinux wheel expect, as far as a Go program may want them.
_EVERYWHERE: Final = {
    "ld-linux-aarch64.so.1",
    "ld-linux-x86-64.so.2",
    "libc.so.6",
    "libdl.so.2",
    "libm.so.6",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
}


class CommandHook(BuildHookInterface[Any]):
    """The hook that hatchling runs before it writes a wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the command to a wheel that is not editable, if there is one."""
        program = os.environ.get(PROGRAM)
        if not program or version == "editable":
            return
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform(Path(program))}"
        build_data["shared_scripts"][program] = "pyudf"


def platform(program: Path) -> str:
    """Return the platform tag of a wheel that carries a program.

    Raises:
        ValueError: No tag would be true.
    """
    try:
        with program.open("rb") as file:
            elf = ELFFile(file)
            machine, libraries, versions = elf["e_machine"], _needed(elf), _versions(elf)
    except ELFError as err:
        message = f"{program} is no ELF program ({err}): build it on Linux, by make wheel"
        raise ValueError(message) from None
    if machine not in _PROCESSORS:
        message = f"{program} is for {machine}: wheels are built for {', '.join(_PROCESSORS)}"
        raise ValueError(message)
    if foreign := libraries - _EVERYWHERE:
        names = ", ".join(sorted(foreign))
        message = f"{program} needs {names}, which not every Linux has: link it statically"
        raise ValueError(message)
    major, minor = max(versions)
    return f"manylinux_{major}_{minor}_{_PROCESSORS[machine]}"


def _needed(elf: ELFFile) -> set[str]:
    """The names of the shared libraries that a program is linked to."""
    # Any, because tags get their attributes by name when they are read.
    sections: list[Any] = [s for s in elf.iter_sections() if isinstance(s, DynamicSection)]
    return {tag.needed for s in sections for tag in s.iter_tags("DT_NEEDED")}


def _versions(elf: ELFFile) -> set[tuple[int, int]]:
    """The versions of glibc of which a program uses symbols."""
    sections = [s for s in elf.iter_sections() if isinstance(s, GNUVerNeedSection)]
    names = {used.name for s in sections for _, all_used in s.iter_versions() for used in all_used}
    found = [match for name in names if (match := re.match(r"GLIBC_(\d+)\.(\d+)", name))]
    return {(int(match[1]), int(match[2])) for match in found}
