"""A bundle file is the same for the same content, and one that was tampered with is refused."""

import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pyudf as pu
from bundling.jupyter import write_notebook
from bundling.shapes import HEAD
from pyudf.bundling import build, read_bundle, unpacked, write_bundle
from pyudf.bundling._archive import ArchiveLimits, pack, unpack
from pyudf.loading import load

CELL = (
    "K = open('codes.json').read()\ndef f(x: float) -> str:\n    return K\n"
    "weather.with_columns(y=f).to('out')"
)


@pytest.fixture
def bundle(home: Path) -> Path:
    """Return a bundle of a notebook that reads a file."""
    made = build(write_notebook(home / "heat.ipynb", HEAD, CELL))
    path = home / made.file_name
    write_bundle(made.content, str(path))
    return path


Change = Callable[[zipfile.ZipFile, dict[str, bytes]], None]


def rewritten(path: Path, change: Change) -> str:
    """Write the archive anew; change puts into it what it likes, and leaves out what it drops."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    target = path.with_name("changed.pyudf")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        change(archive, entries)
        for name, data in entries.items():
            archive.writestr(name, data)
    return str(target)


def with_manifest(entries: dict[str, bytes], **changes: Any) -> None:
    manifest = json.loads(entries["bundle.json"]) | changes
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    entries["bundle.json"] = text.encode()


def test_the_same_content_is_the_same_file(bundle: Path, home: Path) -> None:
    again = build(str(home / "heat.ipynb"))
    assert pack(again.content) == bundle.read_bytes()
    assert again.file_name == bundle.name
    assert bundle.name == f"heat-{again.content.manifest.hash[:12]}.pyudf"


def test_what_is_read_is_what_was_built(bundle: Path, home: Path) -> None:
    assert read_bundle(str(bundle)) == build(str(home / "heat.ipynb")).content


def test_a_bundle_is_unpacked_once_and_mended_if_it_was_touched(bundle: Path) -> None:
    first = unpacked(str(bundle))
    assert Path(first.directory, "codes.json").read_text() == '{"a": 5}'
    inode = Path(first.directory, "codes.json").stat().st_ino
    assert Path(unpacked(str(bundle)).directory, "codes.json").stat().st_ino == inode
    Path(first.directory, "codes.json").write_text("other")
    assert Path(unpacked(str(bundle)).directory, "codes.json").read_text() == '{"a": 5}'


def _link(archive: zipfile.ZipFile, _: dict[str, bytes]) -> None:
    info = zipfile.ZipInfo("code/link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(info, "/etc/passwd")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def _twice(archive: zipfile.ZipFile, entries: dict[str, bytes]) -> None:
    archive.writestr("code/codes.json", entries["code/codes.json"])


TAMPERED: dict[str, tuple[Change, str]] = {
    "a path upwards": (
        lambda a, _: a.writestr("code/../../evil.py", "x"),
        "'code/../../evil.py', which leads out of it",
    ),
    "an absolute path": (lambda a, _: a.writestr("/etc/x", "x"), "'/etc/x', which leads out of it"),
    "a path of another system": (
        lambda a, _: a.writestr("code/..\\evil.py", "x"),
        "which leads out of it",
    ),
    "a drive": (lambda a, _: a.writestr("C:evil.py", "x"), "which leads out of it"),
    "a directory": (lambda a, _: a.writestr("code/sub/", ""), "which leads out of it"),
    "a link": (_link, "'code/link', which is a link or no plain file"),
    "a file twice": (_twice, "has 'code/codes.json' twice"),
    "a file too many": (
        lambda a, _: a.writestr("code/more.py", "x"),
        "has 'code/more.py', which bundle.json does not name",
    ),
    "a file too few": (
        lambda _, e: (e.pop("code/codes.json"), None)[1],
        "lacks code/codes.json, which bundle.json names",
    ),
    "other content": (
        lambda _, e: e.update({"code/codes.json": b'{"a": 9}'}),
        "has another codes.json than bundle.json says",
    ),
    "a file that grows": (
        lambda _, e: e.update({"code/codes.json": b"0" * 50_000_000}),
        "with more than the 8 bytes that it may have",
    ),
    "no manifest": (lambda _, e: (e.pop("bundle.json"), None)[1], "has no bundle.json"),
    "a manifest that is none": (
        lambda _, e: e.update({"bundle.json": b"{}"}),
        "bundle.json is not one of pyudf",
    ),
    "a manifest in other words": (
        lambda _, e: e.update({"bundle.json": e["bundle.json"] + b" "}),
        "bundle.json was changed by hand",
    ),
    "a manifest of tomorrow": (
        lambda _, e: with_manifest(e, format=2),
        "has version 2 of the format, and this pyudf reads 1; use the pyudf that built it",
    ),
    "a manifest with a path upwards": (
        lambda _, e: with_manifest(e, files=[{"path": "../x", "sha256": "0", "size": 1}]),
        "has a file with the path 'code/../x', which leads out of it",
    ),
    "a manifest with a huge file": (
        lambda _, e: with_manifest(
            e,
            files=[{**f, "size": 10**12} for f in json.loads(e["bundle.json"])["files"]],
        ),
        "bytes unpacked, and 500000000 are the limit",
    ),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("what", TAMPERED)
def test_an_archive_that_was_tampered_with_is_refused(what: str, bundle: Path) -> None:
    change, sentence = TAMPERED[what]
    path = rewritten(bundle, change)
    with pytest.raises(pu.LoadError) as raised:
        load(path)
    assert sentence in raised.value.message
    assert not (bundle.parent.parent / "cache").exists()


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all" * 100])
def test_what_is_no_archive_is_refused(content: bytes, home: Path) -> None:
    path = home / "x.pyudf"
    path.write_bytes(content)
    with pytest.raises(pu.LoadError, match=r"is no bundle, or it is damaged"):
        read_bundle(str(path))


def test_a_bundle_cut_anywhere_is_refused(bundle: Path) -> None:
    whole = bundle.read_bytes()
    for cut in range(0, len(whole), 37):
        with pytest.raises(pu.LoadError):
            unpack(whole[:cut], "x")


def test_a_bundle_with_any_byte_changed_is_refused_or_the_same(bundle: Path) -> None:
    whole = bundle.read_bytes()
    content = unpack(whole, "x")
    for place in range(0, len(whole), 11):
        changed = bytearray(whole)
        changed[place] ^= 0xFF
        try:
            assert unpack(bytes(changed), "x") == content
        except pu.LoadError:
            continue


def test_limits_hold_for_the_archive_the_files_and_the_manifest(bundle: Path) -> None:
    packed = bundle.read_bytes()
    for limits, sentence in (
        (ArchiveLimits(archive=100), "bytes, and 100 are the limit"),
        (ArchiveLimits(files=1), "has more than 1 files"),
        (ArchiveLimits(manifest=10), "with more than the 10 bytes"),
        (ArchiveLimits(total=10), "bytes unpacked, and 10 are the limit"),
    ):
        with pytest.raises(pu.LoadError, match=sentence):
            unpack(packed, "x", limits)


def test_a_bundle_has_no_path_and_no_time_of_this_machine(bundle: Path, home: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(bundle.read_bytes())) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.namelist() == ["bundle.json", "code/codes.json", "code/heat_notebook.py"]
        assert not any(str(home).encode() in archive.read(n) for n in archive.namelist())
