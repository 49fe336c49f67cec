"""The command line ``python -m pyudf.bundling``, which ``pyudf bundle`` calls."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Final

from pyudf.bundling import _report
from pyudf.bundling._building import Bundle, build
from pyudf.bundling._cache import read_bundle, write_bundle
from pyudf.bundling._faults import Refused
from pyudf.errors import LoadError

_UNITS: Final = {"": 1, "kb": 1_000, "mb": 1_000_000, "gb": 1_000_000_000}
_MEND: Final = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code: 2 if somebody has to mend something first."""
    options = _parser().parse_args(arguments)
    as_json = options.output == "json"
    try:
        sys.stdout.write(_run(options, as_json=as_json))
    except LoadError as err:
        if as_json and isinstance(err, Refused):
            sys.stdout.write(_report.refusal_json(err))
        sys.stderr.write(err.message + "\n")
        return _MEND
    return 0


def _run(options: argparse.Namespace, *, as_json: bool) -> str:
    if options.command == "show" and options.target.endswith(".pyudf"):
        manifest = read_bundle(options.target).manifest
        shown = _report.manifest_json if as_json else _report.manifest_text
        return shown(manifest, options.target)
    bundle = _built(options)
    path = None
    if options.command == "build":
        path = options.out or bundle.file_name
        write_bundle(bundle.content, path)
    return (_report.bundle_json if as_json else _report.bundle_text)(bundle, path)


def _built(options: argparse.Namespace) -> Bundle:
    return build(
        options.target,
        extra=options.extra,
        requirements=options.requirements,
        max_file=options.max_file,
    )


def _size(text: str) -> int:
    found = re.fullmatch(r"(\d+) ?(|kb|mb|gb)", text.lower())
    if found is None:
        message = f"{text!r} is no size; write one such as 10MB"
        raise argparse.ArgumentTypeError(message)
    return int(found[1]) * _UNITS[found[2]]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pyudf.bundling", description="Makes bundles.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, about in (("build", "write a bundle"), ("show", "say what is in one")):
        command = commands.add_parser(name, help=about)
        command.add_argument("target", help="a notebook, file, package or bundle")
        command.add_argument("--with", dest="extra", action="append", default=[], metavar="PATH")
        command.add_argument("--requirements", metavar="FILE")
        command.add_argument("--max-file", type=_size, default=_size("10MB"), metavar="SIZE")
        command.add_argument("--output", choices=("text", "json"), default="text")
        if name == "build":
            command.add_argument("-o", "--out", metavar="FILE")
    return parser
