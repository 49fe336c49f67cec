"""The command line ``python -m pyudf._environment``, which engine nodes call."""

from __future__ import annotations

import argparse
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from importlib import metadata

import msgspec

import pyudf
from pyudf._environment import _checking, _requirements, _sdk, _wheels


class Question(msgspec.Struct, frozen=True):
    """What a bundle needs.

    Attributes:
        requirements: As pip reads them.
    """

    requirements: list[str]


class Answer(msgspec.Struct, frozen=True):
    """What this environment is, and how it stands to what a bundle needs.

    Attributes:
        python: The version of Python, ``3.11``.
        platform: What compiled packages have to fit.
        pyudf: The version of pyudf.
        package: The directory of the package.
        dependencies: What pyudf needs; None if nobody knows.
        pip: Whether there is a pip here.
        requirements: Those of the bundle, in the one way in which they are compared.
        missing: What of them is not satisfied here, with the reason.
        faults: What is wrong with them.
    """

    python: str
    platform: str
    pyudf: str
    package: str
    dependencies: list[str] | None
    pip: bool
    requirements: list[str]
    missing: list[str]
    faults: list[str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "check":
            question = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
            sys.stdout.buffer.write(msgspec.json.encode(check(question)))
        elif options.command == "link":
            _sdk.link(options.interpreter)
        else:
            _wheels.write(options.directory)
    except (OSError, subprocess.CalledProcessError) as err:
        sys.stderr.write(f"{err}\n")
        return 1
    return 0


def check(question: Question) -> Answer:
    """Say how this environment stands to what a bundle needs."""
    requirements, faults = _requirements.read(question.requirements)
    return Answer(
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        platform=f"{sys.implementation.name}-{sysconfig.get_platform()}",
        pyudf=pyudf.__version__,
        package=_sdk.package(),
        dependencies=_sdk.dependencies(),
        pip=_has_pip(),
        requirements=list(requirements),
        missing=_checking.missing(requirements.values()),
        faults=faults,
    )


def _has_pip() -> bool:
    """Tell whether there is a pip that installs into other environments: since 22.3."""
    try:
        major, minor = metadata.version("pip").split(".")[:2]
        return (int(major), int(minor)) >= (22, 3)
    except (metadata.PackageNotFoundError, ValueError):
        return False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pyudf._environment")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="how this environment stands to what a bundle needs")
    link = commands.add_parser("link", help="give another environment this pyudf")
    link.add_argument("interpreter", help="of the other environment")
    wheels = commands.add_parser("wheels", help="write wheels of what pyudf needs")
    wheels.add_argument("directory")
    return parser
