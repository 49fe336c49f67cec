"""What the command says of bundles: lines for people, JSON for programs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from pyudf.bundling._analysis import Part
from pyudf.bundling._building import Bundle
from pyudf.bundling._faults import Refused, place_in
from pyudf.bundling._manifest import Manifest
from pyudf.bundling._reading import megabytes

_WIDTH: Final = 50


def bundle_text(bundle: Bundle, path: str | None) -> str:
    """Return what went into a bundle, what did not, and why.

    Args:
        bundle: The bundle.
        path: Where it was written; None: nowhere.
    """
    manifest = bundle.content.manifest
    lines = [f"{path or bundle.file_name}: {_summary(manifest)}"]
    taken = [part for part in bundle.parts if part.taken]
    left = [part for part in bundle.parts if not part.taken]
    if manifest.entry.kind == "notebook":
        lines += _section("what goes in:", _parts(taken))
        lines += _section("what does not:", _parts(left))
    lines += _section("files:", _files(manifest, bundle.reasons))
    lines += _section(
        f"requirements, from {bundle.requirements.source}:", list(manifest.requirements)
    )
    lines += _section("note:", bundle.requirements.notes)
    return "\n".join([*lines, "", *_hashes(manifest)]) + "\n"


def manifest_text(manifest: Manifest, path: str) -> str:
    """Return what a bundle file has in it."""
    lines = [f"{path}: {_summary(manifest)}"]
    lines += _section("files:", _files(manifest, {}))
    lines += _section("requirements:", list(manifest.requirements))
    return "\n".join([*lines, "", *_hashes(manifest)]) + "\n"


def bundle_json(bundle: Bundle, path: str | None) -> str:
    """Return the same as ``bundle_text`` for programs."""
    described = _described(bundle.content.manifest, path)
    described["parts"] = [
        {
            "place": str(part.origin),
            "line": part.origin.line,
            "end": part.end,
            "text": part.text,
            "taken": part.taken,
            "reason": part.reason,
        }
        for part in bundle.parts
    ]
    described["reasons"] = bundle.reasons
    described["requirements_from"] = bundle.requirements.source
    described["notes"] = bundle.requirements.notes
    return json.dumps(described) + "\n"


def manifest_json(manifest: Manifest, path: str) -> str:
    """Return the same as ``manifest_text`` for programs."""
    return json.dumps(_described(manifest, path)) + "\n"


def refusal_json(refused: Refused) -> str:
    """Return the faults of a target for programs."""
    faults = [
        {"place": str(f.origin), "line": f.origin.line, "what": f.what, "fix": f.fix}
        for f in refused.faults
    ]
    return json.dumps({"faults": faults}) + "\n"


def _described(manifest: Manifest, path: str | None) -> dict[str, Any]:
    described: dict[str, Any] = {
        "file": path,
        "hash": manifest.hash,
        "content_hash": manifest.content_hash,
        "manifest": msgspec.to_builtins(manifest),
    }
    return described


def _summary(manifest: Manifest) -> str:
    entry = manifest.entry
    what = (
        f"the function {entry.name}" if entry.function else f"the app {manifest.app or entry.name}"
    )
    size = sum(file.size for file in manifest.files)
    files = f"{len(manifest.files)} file{'s' * (len(manifest.files) != 1)}"
    return (
        f"{what} of {entry.target}, {files} with {megabytes(size)}, for Python {manifest.python} "
        f"and pyudf {manifest.pyudf}"
    )


def _hashes(manifest: Manifest) -> list[str]:
    return [f"hash {manifest.hash}", f"without places {manifest.content_hash}"]


def _section(title: str, lines: Iterable[str]) -> list[str]:
    shown = [f"  {line}" for line in lines]
    return ["", title, *shown] if shown else []


def _parts(parts: Iterable[Part]) -> Iterator[str]:
    rows = [(_place(part), part.text, part.reason) for part in parts]
    place = max((len(row[0]) for row in rows), default=0)
    for where, text, reason in rows:
        yield f"{where:{place}}  {text:{_WIDTH}}  {reason}".rstrip()


def _place(part: Part) -> str:
    """Return the lines of a part, without the notebook that all of them are in."""
    where = place_in(part.origin)
    return where if part.end == part.origin.line else f"{where}-{part.end}"


def _files(manifest: Manifest, reasons: dict[str, str]) -> Iterator[str]:
    width = max((len(file.path) for file in manifest.files), default=0)
    for file in manifest.files:
        line = f"{file.path:{width}}  {megabytes(file.size):>8}  {reasons.get(file.path, '')}"
        yield line.rstrip().replace(os.getcwd() + os.sep, "")
